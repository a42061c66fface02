"""The pack sets `monitoring` right, and leaves everything else as it was, secrets and unknown values too."""

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
from pulumi_policy.proxy import UNKNOWN_BOOLEAN_VALUE, UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.hosts import MONITORING
from policies.pack import as_policy
from policies.resource_types import DROPLET, VOLUME


def _secret(value: Any) -> dict[str, Any]:
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


PROPS = {
    "image": "debian-12-x64",
    "tags": ["tenant-acme"],
    "userData": _secret("#cloud-config\n"),
    "vpcUuid": UNKNOWN_STRING_VALUE,
}


def mended(props: dict[str, Any], type_: str = DROPLET) -> Any:
    """As the SDK's server does it: from the wire, through the pack, to the wire."""
    policy = as_policy(MONITORING)
    assert isinstance(policy, sdk.ResourceValidationPolicy)
    given = unknown_checking_proxy(deserialize_properties(props, proxy_secrets=True))
    options = sdk.PolicyResourceOptions(False, [], None, [], NO_TIMEOUTS, [], None)  # noqa: FBT003
    urn = f"urn:pulumi:acme::tenantry::{type_}::acme-guardrail-1"
    args = sdk.ResourceValidationArgs(type_, given, urn, "acme-guardrail-1", options, None, {})
    found: Any = policy.remediate(args)
    return found if found is None else serialize_properties(found)


@pytest.mark.parametrize(
    "monitoring",
    [{}, {"monitoring": False}, {"monitoring": UNKNOWN_BOOLEAN_VALUE}],
    ids=["absent", "off", "unknown"],
)
def test_a_droplet_that_isnt_monitored_is_mended_in_that_alone(monitoring: dict[str, Any]) -> None:
    assert mended({**PROPS, **monitoring}) == {**PROPS, "monitoring": True}


def test_a_droplet_that_is_monitored_is_left_alone() -> None:
    assert mended({**PROPS, "monitoring": True}) is None


def test_nothing_but_droplets_is_mended() -> None:
    assert mended(dict(PROPS), VOLUME) is None


def test_a_mended_droplet_keeps_the_rule() -> None:
    policy = as_policy(MONITORING)
    assert policy.enforcement_level is sdk.EnforcementLevel.REMEDIATE
    assert mended(mended(dict(PROPS))) is None, "what was mended needs no mending"
