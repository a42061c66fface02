"""Which tags are a tenant's own, and what a resource's tags make of it."""

from components.flows import TIERS, Endpoint
from components.naming import tenant_tag, tier_tag
from policies.reading import UNKNOWN, Resource


def own_tags(tenant: str) -> frozenset[str]:
    """The tenant's tag, and its tiers'."""
    return frozenset({tenant_tag(tenant), *(tier_tag(tenant, tier) for tier in TIERS)})


def tiers_of(resource: Resource) -> list[Endpoint] | None:
    """The tiers of its stack that its tags put a resource into; None when a tag isn't known."""
    tags = list(resource.items("tags"))
    if UNKNOWN in tags:
        return None
    return [tier for tier in TIERS if tier_tag(resource.stack, tier) in tags]
