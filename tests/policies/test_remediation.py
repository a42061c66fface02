"""The pack adds a missing tenant's tag, and leaves the rest as it was, secrets and unknown values too."""

from typing import Any

import pulumi_policy as sdk
import pytest
from judge import NO_TIMEOUTS
from pulumi_policy.deserialize import (
    SPECIAL_SECRET_SIG,
    SPECIAL_SIG_KEY,
    deserialize_properties,
    serialize_properties,
)
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.hosts import MONITORING
from policies.pack import as_policy
from policies.resource_types import DROPLET, FIREWALL, VOLUME
from policies.rule import Rule
from policies.tenancy import TAGGABLE, TENANT_TAG


def _secret(value: Any) -> dict[str, Any]:
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


PROPS = {
    "image": "debian-12-x64",
    "userData": _secret("#cloud-config\n"),
    "vpcUuid": UNKNOWN_STRING_VALUE,
    "backupPolicy": {"plan": UNKNOWN_STRING_VALUE, "note": _secret("nobody's business")},
}


def _arguments(props: Any, type_: str, stack: str) -> sdk.ResourceValidationArgs:
    options = sdk.PolicyResourceOptions(False, [], None, [], NO_TIMEOUTS, [], None)  # noqa: FBT003
    urn = f"urn:pulumi:{stack}::tenantry::{type_}::acme-agent-writer-1"
    return sdk.ResourceValidationArgs(type_, props, urn, "acme-agent-writer-1", options, None, {})


def mended(
    props: dict[str, Any], *rules: Rule, type_: str = DROPLET, stack: str = "acme"
) -> dict[str, Any] | None:
    """As the SDK's server does it: from the wire, through each policy in turn, to the wire."""
    given: Any = unknown_checking_proxy(deserialize_properties(props, proxy_secrets=True))
    last = None
    for rule in rules or (TENANT_TAG,):
        policy = as_policy(rule)
        assert isinstance(policy, sdk.ResourceValidationPolicy)
        assert policy.enforcement_level is sdk.EnforcementLevel.REMEDIATE, "or the engine never asks for it"
        found: Any = policy.remediate(_arguments(given, type_, stack))
        if found:
            given, last = found, dict(serialize_properties(found))
    return last


@pytest.mark.parametrize("type_", TAGGABLE)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, ["tenant-acme"]),
        ({"tags": []}, ["tenant-acme"]),
        ({"tags": ["tenant-acme-agent"]}, ["tenant-acme-agent", "tenant-acme"]),
        ({"tags": ["writers", UNKNOWN_STRING_VALUE]}, ["writers", UNKNOWN_STRING_VALUE, "tenant-acme"]),
        ({"tags": [_secret("hidden")]}, [_secret("hidden"), "tenant-acme"]),
        ({"tags": _secret(["hidden"])}, _secret(["hidden", "tenant-acme"])),
    ],
    ids=["absent", "empty", "others", "one unknown", "one secret", "all secret"],
)
def test_a_missing_tag_is_added_and_nothing_else_is_changed(
    type_: str, before: dict[str, Any], after: Any
) -> None:
    assert mended({**PROPS, **before}, type_=type_) == {**PROPS, "tags": after}


def test_tags_that_have_it_are_left_alone() -> None:
    assert mended({**PROPS, "tags": ["tenant-acme", "tenant-acme-agent"]}) is None


def test_tags_that_nobody_knows_are_left_to_be_refused() -> None:
    assert mended({**PROPS, "tags": UNKNOWN_ARRAY_VALUE}) is None


def test_a_foreign_tag_is_left_to_be_refused() -> None:
    found = mended({**PROPS, "tags": ["tenant-globex"]})
    assert found, "the tenant's own is missing"
    assert found["tags"] == ["tenant-globex", "tenant-acme"]


def test_nothing_but_what_carries_its_tenants_tag_is_mended() -> None:
    assert mended({**PROPS, "tags": ["tenant-acme-agent"]}, type_=FIREWALL) is None, "it targets by tag"
    assert mended(dict(PROPS), stack="platform") is None, "the platform is no tenant"


def test_a_mended_resource_keeps_the_rule() -> None:
    found = mended({**PROPS, "tags": ["tenant-acme-agent"]}, type_=VOLUME)
    assert found
    props = unknown_checking_proxy(deserialize_properties(found))
    policy = as_policy(TENANT_TAG)
    assert isinstance(policy, sdk.ResourceValidationPolicy)
    policy.validate(_arguments(props, VOLUME, "acme"), lambda message, _urn=None: pytest.fail(message))
    assert mended(found, type_=VOLUME) is None, "what was mended needs no mending"


def test_one_mend_after_the_other_keeps_what_both_did() -> None:
    expected = {**PROPS, "monitoring": True, "tags": ["tenant-acme"]}
    assert mended(dict(PROPS), MONITORING, TENANT_TAG) == expected
    assert mended(dict(PROPS), TENANT_TAG, MONITORING) == expected
