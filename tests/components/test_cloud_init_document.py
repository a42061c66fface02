"""The user-data of hosts: valid, small, idempotent, and careful with secrets."""

import os
import subprocess
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cloud_init import CacheAccess, DatabaseAccess, HostConfig, user_data
from components.cloud_init.audit import audit
from components.cloud_init.bootstrap import bootstrap
from components.cloud_init.kernel import SYSCTL, SYSCTL_OF_THE_MACHINE
from components.cloud_init.packages import REQUIRED, packages
from components.cloud_init.part import FIRST_BOOT, File, Part, Step, UserDataTooLargeError, compose
from components.flows import Endpoint
from tests.recorded_stack import fake_public_key, secret_of


def access(user: str) -> DatabaseAccess:
    return DatabaseAccess(
        host="private-database.example",
        port=25060,
        database="tenant",
        user=user,
        password=secret_of(user),
        certificate="CA\n",
    )


CACHE = CacheAccess(
    host="private-cache.example", port=25061, user="default", password=secret_of("cache"), certificate="CA\n"
)


def config(**changes: Any) -> HostConfig:
    given: dict[str, Any] = {
        "hostname": "acme-agent-a-1",
        "tier": Endpoint.AGENT,
        "ip_range": IPv4Network("10.32.0.0/24"),
        "ssh_keys": (fake_public_key(),),
        "names": {"private-database.example": "10.32.0.3"},
        "database": access("agents"),
        "cache": CACHE,
    }
    return HostConfig(**{**given, **changes})


def parsed(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(user_data(config(**changes)))
    return document


def files(**changes: Any) -> dict[str, dict[str, str]]:
    return {file["path"]: file for file in parsed(**changes)["write_files"]}


def test_ufw_leaves_the_kernel_settings_alone() -> None:
    ufw = files()["/etc/default/ufw"]["content"]
    assert 'IPT_SYSCTL=""' in ufw, "at a reboot UFW comes after systemd-sysctl and would undo them"


def guardrail() -> dict[str, dict[str, str]]:
    return files(
        tier=Endpoint.GUARDRAIL, database=access("guardrail"), cache=None, administrator=access("doadmin")
    )


def test_user_data_is_cloud_config_far_below_the_limit() -> None:
    text = user_data(config())
    assert text.startswith("#cloud-config\n")
    assert len(text.encode()) < 32 * 1024, "half of DigitalOcean's limit is left for the mesh and the release"


def test_user_data_over_the_limit_is_refused_with_its_size() -> None:
    with pytest.raises(UserDataTooLargeError, match=r"\d+ bytes.*65536"):
        user_data(config(ssh_keys=tuple(fake_public_key() for _ in range(700))))


def test_the_same_config_gives_the_same_text_so_that_no_host_is_replaced() -> None:
    assert user_data(config()) == user_data(config())


def test_the_host_makes_one_ed25519_key_and_lets_in_keys_alone() -> None:
    document = parsed()
    sshd = files()["/etc/ssh/sshd_config.d/10-tenantry.conf"]["content"]
    assert document["ssh_genkeytypes"] == ["ed25519"]
    assert document["disable_root"] is True
    for line in ("PermitRootLogin no", "PasswordAuthentication no", "AllowUsers tenantry"):
        assert line in sshd.splitlines(), f"sshd lacks {line!r}"


def test_there_is_one_account_without_a_password() -> None:
    (account,) = parsed()["users"]
    assert account["name"] == "tenantry"
    assert account["lock_passwd"] is True
    assert account["ssh_authorized_keys"] == [fake_public_key()]
    assert "ssh_authorized_keys" not in parsed(ssh_keys=())["users"][0], "no key, no login"


def test_names_are_in_etc_hosts_since_there_is_no_dns() -> None:
    lines = files()["/etc/hosts"]["content"].splitlines()
    assert "10.32.0.3 private-database.example" in lines
    assert "127.0.1.1 acme-agent-a-1" in lines, "sudo looks its own host up"


def test_files_with_secrets_are_for_root_alone() -> None:
    for path, file in {**files(), **guardrail()}.items():
        if "fake-" in file["content"]:
            assert file["permissions"] == "0600", f"{path} holds a secret"


def test_no_secret_is_in_a_script_an_sql_file_or_a_unit() -> None:
    for path, file in guardrail().items():
        if not path.startswith("/etc/tenantry/"):
            assert "fake-" not in file["content"], f"{path} would put a password where others read it"


def test_every_connection_verifies_the_servers_name() -> None:
    service = files()["/etc/tenantry/pg_service.conf"]["content"]
    assert "sslmode=verify-full" in service.splitlines()
    assert "sslrootcert=/etc/tenantry/database-ca.crt" in service.splitlines()
    bootstrap_service = guardrail()["/etc/tenantry/bootstrap/pg_service.conf"]["content"]
    assert "sslmode=verify-full" in bootstrap_service.splitlines()


def test_only_the_host_that_prepares_the_database_knows_its_administrator() -> None:
    assert not any("doadmin" in file["content"] for file in files().values())
    assert any("doadmin" in file["content"] for file in guardrail().values())


def test_rights_are_the_least_that_each_tier_needs() -> None:
    sql = guardrail()["/usr/local/lib/tenantry/database-bootstrap.sql"]["content"]
    assert "GRANT USAGE, CREATE ON SCHEMA memory TO agents;" in sql
    assert "GRANT SELECT, INSERT ON TABLES TO guardrail;" in sql
    assert 'REVOKE ALL ON DATABASE "tenant" FROM PUBLIC;' in sql
    assert "REVOKE ALL ON DATABASE defaultdb FROM PUBLIC;" in sql, "every cluster is born with it"
    for forbidden in ("SUPERUSER", "UPDATE", "DELETE", "ALL TO", "PASSWORD"):
        assert forbidden not in sql.replace("REVOKE ALL ON DATABASE", ""), (
            f"{forbidden} is more than is needed"
        )


def test_firewall_starts_before_anything_else_but_packages() -> None:
    script = files()[FIRST_BOOT]["content"]
    steps = [
        line.removeprefix("step=").strip("'") for line in script.splitlines() if line.startswith("step=")
    ]
    assert steps[:3] == ["start", "packages", "firewall"]
    assert steps.index("scrubbing of user-data") > steps.index("needless services"), (
        "units are loaded by then"
    )
    assert "scrubbing of user-data" in steps


def test_two_parts_that_claim_one_path_or_key_are_refused() -> None:
    part = Part(files=(File(path="/etc/x", content=""),))
    with pytest.raises(ValueError, match="/etc/x"):
        compose([part, part])
    with pytest.raises(ValueError, match="users"):
        compose([Part(config={"users": []}), Part(config={"users": []})])


def test_a_failed_step_ends_the_boot_script_and_is_named(tmp_path: Path) -> None:
    text = compose(
        [Part(steps=(Step(name="first", script="false"), Step(name="second", script="echo reached")))]
    )
    result = run_script(text, tmp_path)
    assert result.returncode != 0
    assert "first boot failed at: first" in result.stderr
    assert "reached" not in result.stdout, "nothing runs after a failed step"


def test_a_script_that_succeeds_says_nothing(tmp_path: Path) -> None:
    result = run_script(compose([Part(steps=(Step(name="one", script="true"),))]), tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def run_script(document: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (file,) = yaml.safe_load(document)["write_files"]
    script = folder / "first-boot"
    script.write_text(file["content"])
    return subprocess.run(["/bin/sh", script], capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def fake_programs(tmp_path: Path) -> Callable[..., dict[str, str]]:
    def make(**bodies: str) -> dict[str, str]:
        for name, body in bodies.items():
            program = tmp_path / name
            program.write_text(f'#!/bin/sh\necho {program.name} "$@" >> {tmp_path}/calls\n{body}\n')
            program.chmod(0o755)
        return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    return make


def test_packages_that_the_image_has_cost_nothing(tmp_path: Path, fake_programs: Any) -> None:
    script = packages().steps[0].script
    for path in REQUIRED.values():
        script = script.replace(f"-e {path} ]", "-e / ]")
    result = _sh(script, fake_programs(**{"apt-get": "exit 0"}))
    assert result.returncode == 0
    assert not (tmp_path / "calls").exists(), "apt was started for nothing"


def test_a_missing_package_and_no_mirror_is_a_clear_error(fake_programs: Any) -> None:
    script = packages({"absent-package": "/no/such/path"}).steps[0].script
    result = _sh(script, fake_programs(**{"apt-get": "exit 100"}))
    assert result.returncode != 0
    assert "absent-package" in result.stderr
    assert "no Debian mirror answers" in result.stderr


def _sh(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-euc", script], capture_output=True, text=True, check=False, timeout=30, env=environment
    )


def test_the_bootstrap_removes_the_administrators_password_only_when_it_has_succeeded(
    tmp_path: Path, fake_programs: Any
) -> None:
    service = tmp_path / "bootstrap" / "pg_service.conf"
    script = next(
        file.content for file in bootstrap(access("doadmin")).files if file.path.endswith("bootstrap")
    )
    script = script.replace("/etc/tenantry/bootstrap/pg_service.conf", str(service))
    for outcome, kept in ((1, True), (0, False)):
        service.parent.mkdir(exist_ok=True)
        service.write_text("[bootstrap]\n")
        result = _sh(script, fake_programs(pg_isready="exit 0", psql=f"exit {outcome}"))
        assert result.returncode == outcome
        assert service.exists() is kept, "a failed run must be repeatable; a finished one leaves no password"
    assert _sh(script, fake_programs(psql="exit 9")).returncode == 0, "a second run has nothing to do"
    assert secret_of("doadmin") not in (tmp_path / "calls").read_text(), "a password was in an argument"


def test_audit_rules_lock_themselves_last_and_do_not_fail_a_container() -> None:
    rules = audit().files[0].content.strip().splitlines()
    assert rules[-1] == "-e 2", "immutable until the next boot"
    assert "ConditionVirtualization=!container" in audit().files[1].content


def test_settings_of_the_whole_kernel_may_fail_and_those_of_the_host_may_not() -> None:
    assert all(key.startswith("net.") for key in SYSCTL), "these must be writable in a container"
    assert not any(key.startswith("net.") for key in SYSCTL_OF_THE_MACHINE)
    machine = files()["/etc/sysctl.d/91-tenantry-machine.conf"]["content"].splitlines()
    assert all(line.startswith("-") for line in machine)


def test_every_script_is_valid_posix_shell(tmp_path: Path) -> None:
    for path, file in {**files(), **guardrail()}.items():
        if file["content"].startswith("#!/bin/sh"):
            script = tmp_path / "script"
            script.write_text(file["content"])
            result = subprocess.run(["/bin/sh", "-n", script], capture_output=True, text=True, check=False)
            assert result.returncode == 0, f"{path}: {result.stderr}"
