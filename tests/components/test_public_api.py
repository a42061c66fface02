"""What others build on: type tokens, exports, props. A change here is a change for every tenant."""

import importlib
import inspect
import pkgutil
import socket
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest

import components
import components.cloud_init
from components import resolve, tokens
from components.access import DatabaseAccess
from components.flows import Endpoint
from components.host import HardenedHostArgs
from components.mesh import Mesh
from components.props import props
from components.resolve import HostNotResolvedError, ipv4_of
from tests.recorded_stack import secret_of

TOKENS = {
    "AgentCluster": "tenantry:index:AgentCluster",
    "Cache": "tenantry:index:Cache",
    "DataVolume": "tenantry:index:DataVolume",
    "DatabaseBootstrap": "tenantry:index:DatabaseBootstrap",
    "Enrolment": "tenantry:index:Enrolment",
    "Guardrail": "tenantry:index:Guardrail",
    "HardenedHost": "tenantry:index:HardenedHost",
    "HostDelivery": "tenantry:index:HostDelivery",
    "MeshMembership": "tenantry:index:MeshMembership",
    "SharedVault": "tenantry:index:SharedVault",
    "TenantNetwork": "tenantry:index:TenantNetwork",
    "TenantVault": "tenantry:index:TenantVault",
    "VectorDatabase": "tenantry:index:VectorDatabase",
}


def every_component() -> dict[str, type]:
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(components.__path__, "components.")
    ]
    classes = [item for module in modules for _, item in inspect.getmembers(module, inspect.isclass)]
    return {
        item.__name__: item
        for item in classes
        if issubclass(item, pulumi.ComponentResource) and item.__module__.startswith("components.")
    }


def test_every_component_has_its_pinned_type_token() -> None:
    written = {value for name, value in vars(tokens).items() if name.isupper()}
    assert set(every_component()) == set(TOKENS), "pin the token of a new component here"
    assert written == set(TOKENS.values()), "a renamed token replaces every tenant"


@pytest.mark.parametrize("name", sorted(TOKENS))
def test_a_component_registers_under_its_token(name: str) -> None:
    source = inspect.getsource(every_component()[name].__init__)
    constant = next(key for key, value in vars(tokens).items() if value == TOKENS[name])
    assert f"super().__init__({constant}," in source, "the token comes from tokens.py"


def test_the_public_api_of_cloud_init_is_pinned() -> None:
    exported = components.cloud_init.__all__
    assert exported == ["HostConfig", "MeshJoin", "user_data"]


def test_components_itself_imports_nothing_so_that_policies_need_no_pulumi() -> None:
    assert not [name for name, item in vars(components).items() if inspect.isclass(item)]


def test_props_flatten_dataclasses_and_leave_ordering_out() -> None:
    args = HardenedHostArgs(
        tenant="acme",
        tier=Endpoint.AGENT,
        region="nyc3",
        size="s",
        image="debian-12-x64",
        ip_range="10.32.0.0/24",
        mesh=Mesh(login_server=None, coordination=("192.0.2.0/24",)),
        ssh_ca="k",
        vpc_id="vpc-1",
    )
    assert props(args)["mesh"] == {"login_server": None, "coordination": ["192.0.2.0/24"], "peers": []}
    assert "after" not in props(args)


def test_credentials_do_not_show_in_a_repr() -> None:
    access = DatabaseAccess(
        host="h", port=1, database="d", user="u", password=secret_of("x"), certificate="CA"
    )
    assert secret_of("x") not in repr(access), "a traceback would print it"


def test_a_name_that_does_not_resolve_is_refused_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(resolve.socket, "getaddrinfo", nothing)
    with pytest.raises(HostNotResolvedError, match=r"'db\.example' does not resolve.*local_cloud exec"):
        ipv4_of("db.example")


def test_of_several_addresses_the_same_one_is_taken_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(0, 0, 0, "", (address, 0)) for address in ("10.0.0.10", "10.0.0.9")]
    monkeypatch.setattr(resolve.socket, "getaddrinfo", lambda *_, **__: answers)
    assert ipv4_of("db.example") == "10.0.0.9", "the lowest by number, whatever the resolver's order"


@pytest.mark.parametrize("name", sorted(TOKENS))
def test_every_argument_of_a_component_is_in_the_documentation(name: str) -> None:
    args = getattr(importlib.import_module(every_component()[name].__module__), f"{name}Args")
    assert is_dataclass(args)
    document = (Path(__file__).parents[2] / "docs" / "components.md").read_text()
    section = document.partition(f"## {name}\n")[2].partition("\n## ")[0]
    missing = [field.name for field in fields(args) if f"`{field.name}`" not in section]
    assert not missing, f"docs/components.md lacks {missing} of {name}"
