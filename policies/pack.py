"""The rules as Pulumi's policy SDK wants them, and the pack that the engine runs."""

from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Any

import grpc
import pulumi_policy as sdk
from pulumi_policy import policy as sdk_policy

from policies.detection import secrets_in
from policies.reading import Resource
from policies.rule import ResourceRule, Rule, StackRule
from policies.rules import RULES

NAME = "tenantry"


class StrictAnalyzer(sdk_policy._PolicyAnalyzerServicer):  # noqa: SLF001 - the SDK has no other hook
    """The SDK's, but nobody switches a rule off: the engine's config may have a level for any, or all."""

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Takes the settings, unless there is a level among them that isn't the rule's own."""
        for rule in RULES:
            given = request.policyConfig.get(rule.name)
            if given is not None and given.enforcementLevel != self._map_enforcement_level(_level(rule)):
                context.abort(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    f"the config would change how {rule.name!r} is enforced, and maybe others: every rule is "
                    "mandatory; take `all` and each `enforcementLevel` out of it",
                )
        return super().Configure(request, context)  # type: ignore[no-untyped-call]


def serve() -> None:
    """Run the pack until the engine ends it."""
    # The detectors take a fifth of a second to import: they are there by the time the program has started.
    Thread(target=secrets_in, args=("any line",), daemon=True).start()
    sdk_policy._PolicyAnalyzerServicer = StrictAnalyzer  # type: ignore[misc]  # noqa: SLF001 - as above
    sdk.PolicyPack(
        name=NAME,
        enforcement_level=sdk.EnforcementLevel.MANDATORY,
        policies=[as_policy(rule) for rule in RULES],
        description="Zero trust between tenants, and inside each of them",
    )


def as_policy(rule: Rule) -> sdk.Policy:
    """A rule as a policy of the SDK's."""
    described: dict[str, Any] = {
        "name": rule.name,
        "description": rule.title,
        "display_name": rule.title.rstrip("."),
        "enforcement_level": _level(rule),
        "severity": sdk.Severity(rule.severity.value),
        "framework": _framework(rule),
        "tags": [rule.theme.value, *map(str, rule.controls)],
        "remediation_steps": rule.remediation,
        "config_schema": _schema(rule),
        "url": f"docs/policies/{rule.name}.md",
    }
    if isinstance(rule, StackRule):
        return sdk.StackValidationPolicy(validate=_stack_check(rule), **described)
    assert isinstance(rule, ResourceRule)  # noqa: S101 - there are two kinds
    return sdk.ResourceValidationPolicy(validate=_check(rule), remediate=_mend(rule), **described)


def _level(rule: Rule) -> sdk.EnforcementLevel:
    mends = isinstance(rule, ResourceRule) and rule.mend is not None
    return sdk.EnforcementLevel.REMEDIATE if mends else sdk.EnforcementLevel.MANDATORY


def _framework(rule: Rule) -> sdk.PolicyComplianceFramework:
    """The SDK has room for one: the first. All of them are tags."""
    first = rule.controls[0]
    return sdk.PolicyComplianceFramework(name=first.framework, reference=first.number)


def _schema(rule: Rule) -> sdk.PolicyConfigSchema | None:
    if not rule.settings:
        return None
    return sdk.PolicyConfigSchema(
        properties={
            name: {**setting.schema, "default": setting.default, "description": setting.description}
            for name, setting in rule.settings.items()
        }
    )


def _check(rule: ResourceRule) -> Callable[[sdk.ResourceValidationArgs, sdk.ReportViolation], None]:
    def validate(args: sdk.ResourceValidationArgs, report: sdk.ReportViolation) -> None:
        if not rule.concerns(args.resource_type):
            return
        resource = of_arguments(args)
        for finding in rule.findings(resource, args.get_config()):
            report(f"{finding}. {rule.remediation}", None)

    return validate


def _mend(rule: ResourceRule) -> Any:
    mend = rule.mend
    if mend is None:
        return None

    def remediate(args: sdk.ResourceValidationArgs) -> Mapping[str, Any] | None:
        return mend(of_arguments(args)) if rule.concerns(args.resource_type) else None

    return remediate


def _stack_check(rule: StackRule) -> Callable[[sdk.StackValidationArgs, sdk.ReportViolation], None]:
    def validate(args: sdk.StackValidationArgs, report: sdk.ReportViolation) -> None:
        for resource, finding in rule.findings(of_stack(args.resources), args.get_config()):
            report(f"{finding}. {rule.remediation}", resource.urn)

    return validate


def of_arguments(args: sdk.ResourceValidationArgs) -> Resource:
    """The resource that a resource policy is given."""
    return Resource(
        type=args.resource_type,
        name=args.name,
        urn=args.urn,
        props=args.props,
        protect=args.opts.protect,
        parent=args.opts.parent or "",
    )


def of_stack(resources: Sequence[sdk.PolicyResource]) -> list[Resource]:
    """The resources that a stack policy is given, each with what its properties are made from."""
    return [
        _of_policy_resource(
            each,
            {
                key: [_of_policy_resource(source, {}) for source in sources]
                for key, sources in each.property_dependencies.items()
            },
        )
        for each in resources
    ]


def _of_policy_resource(given: sdk.PolicyResource, sources: Mapping[str, Sequence[Resource]]) -> Resource:
    return Resource(
        type=given.resource_type,
        name=given.name,
        urn=given.urn,
        props=given.props,
        protect=given.opts.protect,
        parent=given.parent.urn if given.parent else "",
        sources=sources,
    )
