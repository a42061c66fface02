"""Rules run as the engine runs them: as policies of the SDK's, on properties that guard what isn't known."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi_policy as sdk
from pulumi_policy.proxy import unknown_checking_proxy
from rule_case import Example, Given

from policies.pack import as_policy
from policies.rule import ResourceRule, Rule

NO_TIMEOUTS = sdk.PolicyCustomTimeouts(0, 0, 0)


def judge(rule: Rule, example: Example, config: Mapping[str, Any] | None = None) -> list[str]:
    """What the rule says of the example. An unknown value that it stumbles over is an error here."""
    said: list[str] = []
    stack = [example] if isinstance(example, Given) else list(example)
    policy = as_policy(rule)

    def report(message: str, urn: str | None = None) -> None:
        said.append(message)
        assert isinstance(rule, ResourceRule) or urn, "a stack rule says which resource it means"

    if isinstance(policy, sdk.ResourceValidationPolicy):
        for given in stack:
            policy.validate(arguments(given, config), report)
    else:
        assert isinstance(policy, sdk.StackValidationPolicy)
        policy.validate(sdk.StackValidationArgs(policy_resources(stack), config), report)
    return said


def arguments(given: Given, config: Mapping[str, Any] | None = None) -> sdk.ResourceValidationArgs:
    props = unknown_checking_proxy(dict(given.props))
    return sdk.ResourceValidationArgs(given.type, props, given.urn, given.name, _options(given), None, config)


def policy_resources(stack: Sequence[Given]) -> list[sdk.PolicyResource]:
    made = {
        given.name: sdk.PolicyResource(
            given.type,
            unknown_checking_proxy(dict(given.props)),
            given.urn,
            given.name,
            _options(given),
            None,
            None,
            [],
            {},
        )
        for given in stack
    }
    for given in stack:
        found = made[given.name].property_dependencies
        found.update({key: [made[name] for name in names] for key, names in given.sources.items()})
    return list(made.values())


def _options(given: Given) -> sdk.PolicyResourceOptions:
    return sdk.PolicyResourceOptions(given.protect, [], None, [], NO_TIMEOUTS, [], None)
