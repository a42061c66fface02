"""The whole pack on everything that a program registered with the stand-in for the engine."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi_policy as sdk
from judge import NO_TIMEOUTS, arguments
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.proxy import unknown_checking_proxy
from rule_case import Given

from policies.pack import as_policy
from policies.rules import RULES
from stacks.addressing import LEDGER, Ledger
from tests.recorded_stack import Recording, Registered

AS_STACKS_WRITE_THEM = {
    "vpc-ranges-apart": {"ranges": {name: str(block) for name, block in Ledger.read(LEDGER).ranges.items()}}
}


def noticed(recording: Recording, config: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """What each rule says of the stack, by the rule's name; rules that are kept are left out."""
    said: dict[str, list[str]] = {}
    resources = [_as_policy_resource(each) for each in recording.resources]
    by_urn = {each.urn: each for each in resources}
    for registered, resource in zip(recording.resources, resources, strict=True):
        found = registered.property_dependencies.items()
        resource.property_dependencies = {
            key: [by_urn[urn] for urn in urns if urn in by_urn] for key, urns in found
        }
    for rule in RULES:
        policy = as_policy(rule)
        messages: list[str] = []
        settings = config.get(rule.name, AS_STACKS_WRITE_THEM.get(rule.name, {}))
        _run(policy, recording.resources, resources, settings, messages)
        if messages:
            said[rule.name] = messages
    return said


def _run(
    policy: sdk.Policy,
    registered: Sequence[Registered],
    resources: list[sdk.PolicyResource],
    config: Mapping[str, Any],
    messages: list[str],
) -> None:
    def report(message: str, urn: str | None = None) -> None:
        del urn
        messages.append(message)

    if isinstance(policy, sdk.StackValidationPolicy):
        policy.validate(sdk.StackValidationArgs(resources, config), report)
        return
    assert isinstance(policy, sdk.ResourceValidationPolicy)
    for each in registered:
        policy.validate(arguments(_as_given(each), config), report)


def _as_given(registered: Registered) -> Given:
    head, _, path_and_name = registered.urn.partition("::tenantry::")
    path = path_and_name.rpartition("::")[0].split("$")
    return Given(
        type=registered.type,
        name=registered.name,
        props=deserialize_properties(registered.props),
        stack=head.removeprefix("urn:pulumi:"),
        parents=path[:-1],
        protect=registered.protect,
    )


def _as_policy_resource(registered: Registered) -> sdk.PolicyResource:
    props = unknown_checking_proxy(deserialize_properties(registered.props))
    options = sdk.PolicyResourceOptions(registered.protect, [], None, [], NO_TIMEOUTS, [], registered.parent)
    return sdk.PolicyResource(
        registered.type, props, registered.urn, registered.name, options, None, None, [], {}
    )
