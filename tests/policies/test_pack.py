"""What the pack takes of the engine's config: settings, and nothing that weakens a rule."""

from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel

from policies.pack import NAME, StrictAnalyzer, as_policy
from policies.rule import ResourceRule
from policies.rules import RULES

MENDING = [rule.name for rule in RULES if isinstance(rule, ResourceRule) and rule.mend]


class AbortedError(Exception):
    """What the protocol's context raises."""


class Context:
    """Stands in for gRPC's."""

    def abort(self, _code: Any, details: str) -> None:
        raise AbortedError(details)


def _configure(**levels: Any) -> None:
    policies = [as_policy(rule) for rule in RULES]
    analyzer = StrictAnalyzer(NAME, "1", policies, EnforcementLevel.MANDATORY)  # type: ignore[no-untyped-call]
    given = {name: analyzer_pb2.PolicyConfig(enforcementLevel=level) for name, level in levels.items()}
    analyzer.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=given), Context())


def test_a_rule_s_own_level_is_taken() -> None:
    own = {rule.name: analyzer_pb2.MANDATORY for rule in RULES}
    _configure(**own | dict.fromkeys(MENDING, analyzer_pb2.REMEDIATE))
    _configure()


@pytest.mark.parametrize("level", ["DISABLED", "ADVISORY", "REMEDIATE"])
def test_another_is_refused_by_the_rule_s_name(level: str) -> None:
    with pytest.raises(AbortedError, match=r"'no-load-balancer'.*every rule is mandatory"):
        _configure(**{"no-load-balancer": getattr(analyzer_pb2, level)})


@pytest.mark.parametrize("name", MENDING)
def test_what_is_mended_stays_mended(name: str) -> None:
    with pytest.raises(AbortedError, match=name):
        _configure(**{name: analyzer_pb2.MANDATORY})
