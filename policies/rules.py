"""All rules of the pack, theme by theme."""

from policies import (
    clusters,
    cost,
    data,
    edge,
    firewalls,
    hosts,
    known_types,
    mesh,
    network,
    references,
    remote,
    tailnet,
    tenancy,
    user_data,
    vault,
)
from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    *network.RULES,
    *firewalls.RULES,
    *edge.RULES,
    *hosts.RULES,
    *user_data.RULES,
    *clusters.RULES,
    *data.RULES,
    *mesh.RULES,
    *tailnet.RULES,
    *vault.RULES,
    *remote.RULES,
    *tenancy.RULES,
    *references.RULES,
    *known_types.RULES,
    *cost.RULES,
)
