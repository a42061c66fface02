"""The stack `platform` on a cloud of its own: no tenant's host is needed to see what it does and refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from platform_driver import PLATFORM, Platform, platform_spec
from real_cloud import LocalCloud, free_port, needs_a_real_machine

from components.tailnet_policy import MARK, policy_text
from components.vault_layout import keys_mount, policy, role_name

pytestmark = pytest.mark.end_to_end

STACK_OF_ONE = """\
import pulumi

from components.vault import VaultSetting

nothing = {"policy": 'path "secret" { capabilities = ["deny"] }'}
VaultSetting("x", "sys/policies/acl/tenant-initech-test", nothing, pulumi.ResourceOptions())
"""
OPEN = '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]} // by somebody'


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud for these tests alone: others' tenants need their platform as it is."""
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), free_port())
    needs_a_real_machine(cloud.manifest)
    try:
        cloud.run("up")
        yield cloud
    finally:
        cloud.run("down")


@pytest.fixture
def platform(own: LocalCloud, tmp_path: Path) -> Platform:
    """With a state of its own; what an earlier test left in tailnet and vault is taken over."""
    state = tmp_path / "state"
    state.mkdir()
    platform = Platform(own, tmp_path / "platform", state, own.token)
    platform.write(PLATFORM, platform_spec(["acme", "globex"]))
    return platform


def vault(platform: Platform) -> list[str]:
    """What makes curl a root client of the vault, from where the vault can be reached."""
    folder = platform.cloud.state_dir / "vault"
    token = json.loads((folder / "init.json").read_text())["root_token"]
    header = folder / "header"
    header.touch(mode=0o600)
    header.write_text(f"X-Vault-Token: {token}")
    return ["curl", "--silent", "--fail", "--cacert", str(folder / "ca.crt"), "--header", f"@{header}"]


def write(platform: Platform, path: str, body: object) -> None:
    address = (platform.cloud.state_dir / "vault" / "address").read_text().strip()
    platform.run(*vault(platform), "--json", json.dumps(body), f"{address}/v1/{path}")


def read(platform: Platform, path: str) -> dict[str, object]:
    address = (platform.cloud.state_dir / "vault" / "address").read_text().strip()
    answer = json.loads(platform.run(*vault(platform), f"{address}/v1/{path}").stdout)
    found: dict[str, object] = answer["data"]
    return found


def call_acl(platform: Platform, method: str, text: str | None = None) -> str:
    """The policy file, as it is written or as it is to be, comments and all."""
    key = (platform.cloud.state_dir / "tailscale-api-key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/hujson"}
    url = f"{platform.cloud.url}/api/v2/tailnet/-/acl"
    answer = httpx.request(method, url, headers=headers, content=text, timeout=60)
    assert answer.is_success, answer.text
    return answer.text


def acl(platform: Platform) -> str:
    return call_acl(platform, "GET")


def up(platform: Platform, *arguments: str) -> dict[str, int]:
    report = platform.up(PLATFORM, *arguments)[PLATFORM]
    assert report["succeeded"], report["message"]
    changes: dict[str, int] = report["changes"]
    return {operation: count for operation, count in changes.items() if operation != "same"}


def test_a_platform_comes_up_and_stays_and_lets_tenants_come_and_go(platform: Platform) -> None:
    assert set(up(platform)) == {"create"}
    assert acl(platform) == policy_text(["acme", "globex"]), "the default policy is replaced"
    assert up(platform) == {}, "nothing to do"
    assert up(platform, "--refresh") == {}, "and nothing is read back otherwise than it was written"

    platform.write(PLATFORM, platform_spec(["acme", "globex", "initech"]))
    coming = platform.preview(PLATFORM)
    shared = {"platform-tailnet-policy", "platform-vault", "platform-vault-ssh-role"}
    assert {name for name in coming if not name.startswith("initech-")} == shared
    up(platform)
    write(platform, f"{keys_mount('acme')}/data/providers/openai", {"data": {"key": "kept"}})

    platform.write(PLATFORM, platform_spec(["acme", "globex"]))
    going = platform.preview(PLATFORM)
    assert {name for name in going if not name.startswith("initech-")} == shared
    up(platform)
    assert acl(platform) == policy_text(["acme", "globex"])
    assert f"{keys_mount('initech')}/" not in read(platform, "sys/mounts")

    for path in (platform.state / ".pulumi" / "stacks" / "tenantry").glob("platform.json*"):
        path.unlink()
    assert set(up(platform)) == {"create"}, "a lost state is made anew from what is there"
    assert read(platform, f"{keys_mount('acme')}/data/providers/openai")["data"] == {"key": "kept"}


def test_what_was_changed_by_hand_is_found_and_undone(platform: Platform) -> None:
    up(platform)
    name = role_name("acme", "agent")
    write(platform, f"sys/policies/acl/{name}", {"policy": 'path "tenants/*" { capabilities = ["read"] }'})
    call_acl(platform, "POST", OPEN)
    assert up(platform, "--refresh") == {"update": 2}
    assert read(platform, f"sys/policies/acl/{name}")["policy"] == policy("acme", "agent")
    assert acl(platform) == policy_text(["acme", "globex"])


def test_somebodys_policy_file_is_not_overwritten(platform: Platform) -> None:
    call_acl(platform, "POST", OPEN)
    failed = platform.stacks("up", PLATFORM, check=False)
    assert failed.returncode == 1
    assert "overwrite a policy file that isn't the default: import it first" in failed.stderr
    assert acl(platform) == OPEN, "it is somebody's"
    call_acl(platform, "POST", policy_text([]))


def test_a_tenant_with_resources_holds_its_place_and_the_platform(platform: Platform, tmp_path: Path) -> None:
    platform.write(PLATFORM, platform_spec(["acme", "initech"]))
    up(platform)
    folder = tmp_path / "stack-of-one"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: tenantry\nruntime: python\nmain: program.py\n")
    (folder / "program.py").write_text(STACK_OF_ONE)
    unjudged = ("env", "--unset=PULUMI_OPTION_POLICY_PACK", "--unset=PULUMI_OPTION_POLICY_PACK_CONFIG")
    pulumi = (*unjudged, "pulumi", "--cwd", str(folder), "--non-interactive")
    platform.run(*pulumi, "stack", "init", "initech")
    platform.run(*pulumi, "up", "--stack", "initech", "--yes", "--skip-preview")

    platform.write(PLATFORM, platform_spec(["acme"]))
    refused = platform.stacks("up", PLATFORM, check=False)
    assert refused.returncode == 1
    assert "tenant 'initech' was taken out" in refused.stderr
    assert "python -m stacks.destroy initech" in refused.stderr
    refused = platform.stacks("destroy", PLATFORM, check=False)
    assert refused.returncode == 1
    assert "these stacks have resources: initech" in refused.stderr
    assert f"{keys_mount('initech')}/" in read(platform, "sys/mounts"), "its customer's keys are there"

    platform.run(*pulumi, "destroy", "--stack", "initech", "--yes", "--skip-preview")
    up(platform)
    platform.stacks("destroy", PLATFORM)
    own = ("tenants/acme/", "tenants/initech/")
    assert not [path for path in read(platform, "sys/mounts") if path.startswith(own)], (
        "nothing of its is left"
    )
    assert acl(platform).startswith(MARK), "the default would let everybody reach everything"


def test_a_vault_that_is_sealed_or_refuses_is_one_line_without_a_secret(platform: Platform) -> None:
    platform.api("POST", "/_local/vault/seal")
    sealed = platform.stacks("up", PLATFORM, check=False)
    platform.api("POST", "/_local/vault/unseal")
    platform.environment["VAULT_TOKEN"] = "nobodys-token"
    refused = platform.stacks("up", PLATFORM, check=False)
    for done, reason in ((sealed, "is sealed: unseal it"), (refused, "refuses VAULT_TOKEN")):
        assert done.returncode == 1
        (line,) = [line for line in done.stderr.splitlines() if "nothing of the stack" in line]
        assert reason in line
        assert "nobodys-token" not in done.stderr
        assert "Traceback" not in done.stderr
