"""Which exports change, and which of them other stacks read."""

from typing import Any

import pytest

from stacks.previewing.exports import changed_exports, read_by_tenants
from stacks.steps import Outputs

PLATFORM = {
    "tenants": ["acme"],
    "mesh": {"peers": []},
    "vault": {"address": "a"},
    "tenant_cas": {"acme": "ca"},
    "role_ids": {"acme": {"agent": "[secret]"}},
}


def _changed(**changes: Any) -> tuple[str, ...]:
    return changed_exports(Outputs(old=PLATFORM, new=PLATFORM | changes))


def test_what_is_exported_as_before_is_no_change() -> None:
    assert _changed() == ()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"mesh": {"peers": ["198.18.0.0/24"]}}, ("mesh",)),
        ({"another": 1}, ("another",)),
        ({"tenant_cas": {"acme": "another ca"}}, ("tenant_cas",)),
    ],
)
def test_what_tenants_read_otherwise_is_named_and_noted(
    changes: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert _changed(**changes) == names
    assert names[0] in read_by_tenants(names)


def test_a_new_tenant_changes_nothing_that_another_reads() -> None:
    changed = _changed(
        tenants=["acme", "globex"],
        tenant_cas={"acme": "ca", "globex": "unknown"},
        role_ids={"acme": {"agent": "[secret]"}, "globex": {"agent": "unknown"}},
    )
    assert changed == ("tenants",)
    assert read_by_tenants(changed) == ""


def test_an_export_that_goes_is_a_change() -> None:
    assert changed_exports(Outputs(old={"a": 1}, new={})) == ("a",)
