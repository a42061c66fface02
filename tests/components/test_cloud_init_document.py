"""The user-data of hosts: valid, small, idempotent, and careful with secrets."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cloud_init import HostConfig, MeshJoin, user_data
from components.cloud_init.audit import audit
from components.cloud_init.kernel import SYSCTL, SYSCTL_OF_THE_MACHINE
from components.cloud_init.packages import REQUIRED, packages
from components.cloud_init.part import FIRST_BOOT, File, Part, Step, UserDataTooLargeError, compose
from components.flows import Endpoint
from tests.recorded_stack import fake_public_key, secret_of

MESH = MeshJoin(
    hostname="acme-agent-a-1-0123abcd",
    auth_key=secret_of("mesh-key"),
    login_server="https://192.200.0.101",
    coordination=("192.200.0.101/32",),
    peers=("198.18.255.0/24",),
)


def config(**changes: Any) -> HostConfig:
    given: dict[str, Any] = {
        "hostname": "acme-agent-a-1",
        "tenant": "acme",
        "tier": Endpoint.AGENT,
        "ip_range": IPv4Network("10.32.0.0/24"),
        "mesh": MESH,
        "ssh_ca": fake_public_key(),
        "ssh_keys": (fake_public_key(),),
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


def test_user_data_is_cloud_config_far_below_the_limit() -> None:
    text = user_data(config())
    assert text.startswith("#cloud-config\n")
    assert len(text.encode()) < 32 * 1024, "half of DigitalOcean's limit is left"


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


def test_the_hosts_own_name_is_in_etc_hosts() -> None:
    assert "127.0.1.1 acme-agent-a-1" in files()["/etc/hosts"]["content"].splitlines(), "sudo looks it up"


def test_the_only_secret_is_the_mesh_key_in_a_file_of_memory_for_root_alone() -> None:
    holders = {path: file for path, file in files().items() if "fake-" in file["content"]}
    assert set(holders) == {"/run/tenantry-mesh-key"}, "nothing of it is written to a disk"
    assert holders["/run/tenantry-mesh-key"]["permissions"] == "0600"
    rest = {key: value for key, value in parsed().items() if key != "write_files"}
    assert "fake-" not in yaml.dump(rest), "not in an argument either"


def test_certificates_of_the_vaults_ca_are_let_in_for_their_own_tenant_alone() -> None:
    written = files()
    sshd = written["/etc/ssh/sshd_config.d/10-tenantry.conf"]["content"].splitlines()
    assert "TrustedUserCAKeys /etc/ssh/tenantry-ca.pub" in sshd
    assert "AuthorizedPrincipalsFile /etc/ssh/principals/%u" in sshd
    assert written["/etc/ssh/tenantry-ca.pub"]["content"] == f"{fake_public_key()}\n"
    assert written["/etc/ssh/principals/tenantry"]["content"] == "tenant-acme\n"


def test_sshd_does_not_start_before_the_host_has_its_mesh_address() -> None:
    written = files()
    assert "/etc/ssh/sshd_not_to_be_run" in written, "Debian's unit looks for it"
    assert not any("ListenAddress" in file["content"] for path, file in written.items() if "sshd" in path)
    join = written["/usr/local/lib/tenantry/join-mesh"]["content"]
    order = [join.index(text) for text in ("tailscale up", "ListenAddress", "rm -f /etc/ssh/", "start ssh")]
    assert order == sorted(order), "joined, then bound to the address, then started"


def test_the_host_joins_without_anything_of_tailscales_that_would_open_it() -> None:
    join = files()["/usr/local/lib/tenantry/join-mesh"]["content"]
    for option in (
        "--auth-key=file:/run/tenantry-mesh-key",
        "--hostname=acme-agent-a-1-0123abcd",
        "--login-server=https://192.200.0.101",
        "--netfilter-mode=off",
        "--accept-dns=false",
        "--accept-routes=false",
        "--ssh=false",
    ):
        assert f" {option} " in join.replace("2>&1", " "), f"tailscale up lacks {option}"


def test_tailscales_own_coordination_server_needs_no_option() -> None:
    join = files(mesh=replace(MESH, login_server=None))["/usr/local/lib/tenantry/join-mesh"]["content"]
    assert "--login-server" not in join


def test_the_mesh_daemon_is_an_account_of_its_own_with_rights_over_the_network_alone() -> None:
    unit = files()["/etc/systemd/system/tailscaled.service.d/tenantry.conf"]["content"].splitlines()
    assert "User=tailscale" in unit
    assert "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW" in unit
    assert "TS_NO_LOGS_NO_SUPPORT=true" in files()["/etc/default/tailscaled"]["content"].splitlines()


@pytest.mark.parametrize(
    ("answer", "code"), [("echo 'backend error: AuthKey not found'; exit 1", 1), ("exit 0", 0)]
)
def test_the_mesh_key_is_gone_after_joining_and_after_failing_to(
    tmp_path: Path, fake_programs: Any, answer: str, code: int
) -> None:
    script, key = joining(tmp_path)
    result = _sh(script, fake_programs(tailscale=answer, systemctl="exit 0", hostname="echo acme-agent-a-1"))
    assert result.returncode == code, result.stderr
    assert not key.exists(), "it lets nobody else in, and isn't found later"
    assert (tmp_path / "seed").read_text() == "content: used\n", "not in user-data on the disk either"
    if code:
        assert "AuthKey not found" in result.stderr, "why"
        assert "python -m stacks.replace acme-agent-a-1" in result.stderr, "and what to do"
    assert secret_of("mesh-key") not in (tmp_path / "calls").read_text() + result.stderr


def test_an_error_of_tailscale_that_repeats_the_key_is_not_shown(tmp_path: Path, fake_programs: Any) -> None:
    script, _ = joining(tmp_path)
    answer = f"echo 'bad key {secret_of('mesh-key')}'; exit 1"
    result = _sh(script, fake_programs(tailscale=answer, systemctl="exit 0", hostname="echo h"))
    assert result.returncode == 1
    assert secret_of("mesh-key") not in result.stderr + result.stdout


def joining(folder: Path) -> tuple[str, Path]:
    """The script that joins, with its paths in a folder, and the key's file."""
    script = files()["/usr/local/lib/tenantry/join-mesh"]["content"]
    key = folder / "mesh-key"
    key.write_text(secret_of("mesh-key"))
    (folder / "seed").write_text(f"content: {secret_of('mesh-key')}\n")
    paths = {
        "/run/tenantry-mesh-key": key,
        "/var/lib/cloud/seed/nocloud/user-data": folder / "seed",
        "/etc/ssh/sshd_config.d/05-mesh-address.conf": folder / "listen",
        "/etc/ssh/sshd_not_to_be_run": folder / "no-sshd",
        "/dev/console": folder / "console",
    }
    for path, replacement in paths.items():
        script = script.replace(path, str(replacement))
    return script, key


def test_the_firewall_starts_first_and_the_mesh_is_joined_last() -> None:
    script = files()[FIRST_BOOT]["content"]
    steps = [
        line.removeprefix("step=").strip("'") for line in script.splitlines() if line.startswith("step=")
    ]
    assert steps[:4] == ["start", "packages", "account of the mesh daemon", "firewall"]
    assert steps.index("mesh daemon") > steps.index("firewall"), "it sends nothing that the firewall refuses"
    assert steps[-1] == "joining the mesh", "nobody reaches a host that isn't safe yet"
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
    for path, file in {**files(), **files(tier=Endpoint.GUARDRAIL)}.items():
        if file["content"].startswith("#!/bin/sh"):
            script = tmp_path / "script"
            script.write_text(file["content"])
            result = subprocess.run(["/bin/sh", "-n", script], capture_output=True, text=True, check=False)
            assert result.returncode == 0, f"{path}: {result.stderr}"
