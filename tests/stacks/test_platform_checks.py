"""The tailnet and the vault as the platform wants them, and each with one thing changed by hand."""

import copy
from typing import Any, cast

import hvac
import pytest

from components import vault_layout as layout
from components.flows import Endpoint
from components.tailnet import Device, Tailnet
from components.tailnet_policy import policy
from stacks.platform_outputs import Mesh, PlatformOutputs, Vault
from stacks.verification import platform_checks
from stacks.verification.findings import Finding
from stacks.verification.hosts import Member, Tenancy

TENANTS = ("acme", "globex")
PLATFORM = PlatformOutputs(
    tenants=TENANTS,
    mesh=Mesh(login_server=None, coordination=("192.0.2.0/24",), peers=()),
    vault=Vault(address="https://100.64.0.2:8200", certificate=""),
    ssh_ca="",
    tenant_cas={},
    role_ids={},
)
ADDRESS = "100.64.0.7"
TENANCY = Tenancy(
    tenant="acme",
    members=(
        Member(tenant="acme", tier=Endpoint.AGENT, name="acme-agent-a-1", address="x", mesh_address=ADDRESS),
    ),
)


def _device(address: str = ADDRESS, *, authorized: bool = True, ephemeral: bool = True) -> Device:
    return Device(
        id="n1",
        hostname="acme-agent-a-1-12345678",
        addresses=(address,),
        tags=frozenset({"tag:tenant-acme-agent"}),
        is_authorized=authorized,
        is_ephemeral=ephemeral,
    )


class _Tailnet:
    def __init__(self, live: dict[str, Any], failing: list[str]) -> None:
        self._live, self._failing = live, failing

    def policy(self) -> dict[str, Any]:
        return self._live

    def failing_tests(self, tests: list[Any]) -> list[str]:
        assert tests == policy(TENANTS)["tests"], "those that the platform wants, not those that are there"
        return self._failing


class _Vault:
    """Answers reads from what it holds, as hvac gives them."""

    url = "https://vault.test"

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {f"ssh/roles/{layout.SSH_ROLE}": layout.ssh_role(TENANTS)}
        for tenant in TENANTS:
            for role in layout.ROLES:
                name = layout.role_name(tenant, role)
                self.held[f"sys/policies/acl/{name}"] = {"policy": layout.policy(tenant, role)}
                self.held[f"auth/approle/role/{name}"] = layout.app_role(tenant, role)
            for name, settings in layout.pki_roles(tenant).items():
                self.held[f"{layout.pki_mount(tenant)}/roles/{name}"] = settings
        self.held = copy.deepcopy(self.held)

    def read(self, path: str) -> dict[str, Any] | None:
        return {"data": {**self.held[path], "more": "of its own"}} if path in self.held else None

    def list(self, path: str) -> dict[str, Any]:
        names = [known.rpartition("/")[2] for known in self.held if known.startswith(f"{path}/")]
        return {"data": {"keys": names}}


def _failed(
    live: dict[str, Any] | None = None,
    failing: tuple[str, ...] = (),
    vault: _Vault | None = None,
    devices: tuple[Device, ...] = (_device(),),
) -> list[Finding]:
    tailnet = _Tailnet(live or policy(TENANTS), list(failing))
    found = platform_checks.findings(
        PLATFORM, [TENANCY], devices, cast("Tailnet", tailnet), cast("hvac.Client", vault or _Vault())
    )
    assert len(found) == 3 + 1 + 7 * len(TENANTS) + 1, "three, the SSH role, seven a tenant, and its devices"
    return [each for each in found if not each.passed]


def test_what_is_as_the_platform_wants_it_passes() -> None:
    assert not _failed(), "nothing to object to"


def test_a_widened_policy_file_is_noticed_by_its_section() -> None:
    live = policy(TENANTS)
    live["acls"].append({"action": "accept", "src": ["*"], "dst": ["*:*"]})
    (failed,) = _failed(live)
    assert "'acls'" in failed.detail, "what was changed"


def test_a_section_that_the_platform_never_writes_is_noticed() -> None:
    (failed,) = _failed({**policy(TENANTS), "ssh": [{"action": "accept"}]})
    assert "'ssh'" in failed.detail, "Tailscale's own SSH would be a way in"


def test_a_failing_test_of_the_file_is_shown() -> None:
    (failed,) = _failed(failing=("tag:a: want: Drop, got: Accept",))
    assert "want: Drop" in failed.detail, "in Tailscale's words"


@pytest.mark.parametrize("path", sorted(_Vault().held))
def test_each_right_that_was_changed_by_hand_is_noticed_by_its_path(path: str) -> None:
    vault = _Vault()
    name = next(iter(vault.held[path]))
    vault.held[path][name] = "changed"
    (failed,) = _failed(vault=vault)
    assert (failed.subject, name in failed.detail) == (path, True), "where, and what"


def test_a_role_that_was_taken_away_is_noticed() -> None:
    vault = _Vault()
    del vault.held["auth/approle/role/tenant-acme-agent"]
    assert [each.subject for each in _failed(vault=vault)] == ["auth/approle/role/tenant-acme-agent"]


@pytest.mark.parametrize(
    "path", ["auth/approle/role/tenant-initech-agent", "ssh/roles/anybody", "tenants/acme/pki/roles/anything"]
)
def test_a_role_of_nobody_s_is_noticed(path: str) -> None:
    vault = _Vault()
    vault.held[path] = {}
    (failed,) = _failed(vault=vault)
    assert path in failed.detail, "a way in that no tenant has"


@pytest.mark.parametrize(
    ("device", "objection"),
    [
        (_device("100.64.0.9"), "no host of its"),
        (_device(authorized=False), "not authorised"),
        (_device(ephemeral=False), "not ephemeral"),
    ],
)
def test_a_device_with_a_tenant_s_tag_is_one_of_its_hosts(device: Device, objection: str) -> None:
    (failed,) = _failed(devices=(device,))
    assert objection in failed.detail, "an impostor is named"
