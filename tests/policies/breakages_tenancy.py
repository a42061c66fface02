"""What the rules of the theme tenancy must notice, broken."""

import pulumi
import pulumi_digitalocean as digitalocean
from breakage import Breakage, Props, changing, setting

from components.naming import agent_host_name, tenant_tag, tier_tag
from policies.resource_types import DATABASE_CLUSTER, DROPLET, TAG, VOLUME


def _crowd() -> None:
    """Bare droplets: hosts of our component's would take a preview its time."""
    tenant = pulumi.get_stack()
    for number in range(51):
        name = agent_host_name(tenant, "crowd", number + 1)
        digitalocean.Droplet(
            name,
            name=name,
            region="nyc3",
            size="s-1vcpu-1gb",
            image="debian-12-x64",
            tags=[tenant_tag(tenant), tier_tag(tenant, "agent")],
        )


def _untagged(props: Props) -> None:
    props["tags"] = [tag for tag in props["tags"] if tag != tenant_tag(pulumi.get_stack())]


def _tagged_late(props: Props) -> None:
    """The engine mends tags that it knows: these are refused by a preview of a new tenant."""
    tags = ["tenant-acme-agent"]
    props["tags"] = pulumi.Output.from_input(props["vpc_uuid"]).apply(lambda _: tags)


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="volume-without-tag",
        rule="tenant-tag",
        what="a volume without the tenant's tag",
        apply=changing(VOLUME, _untagged),
    ),
    Breakage(
        name="database-without-tags",
        rule="tenant-tag",
        what="a cache without any tag",
        apply=setting(DATABASE_CLUSTER, name="-cache-", tags=None),
    ),
    Breakage(
        name="tags-known-too-late",
        rule="tenant-tag",
        what="agents whose tags, without the tenant's, wait for the network's id",
        apply=changing(DROPLET, _tagged_late, name="-agent-"),
    ),
    Breakage(
        name="foreign-tag",
        rule="no-foreign-tag",
        what="a guardrail that another tenant's database admits",
        apply=setting(
            DROPLET,
            name="-guardrail-1",
            tags=["tenant-acme", "tenant-acme-guardrail", "tenant-globex-guardrail"],
        ),
    ),
    Breakage(
        name="name-of-nobody",
        rule="name-begins-with-the-tenant",
        what="a database that is named for nobody",
        apply=changing(DATABASE_CLUSTER, lambda props: props.update(name="main"), name="-database-"),
    ),
    Breakage(
        name="tag-of-another",
        rule="name-begins-with-the-tenant",
        what="another tenant's tag, declared by this one",
        apply=changing(TAG, lambda props: props.update(name="tenant-globex-agent"), name="-cache"),
    ),
    Breakage(
        name="no-guardrail",
        rule="agents-have-a-guardrail",
        what="agents, and where the guardrail was, another agent",
        apply=setting(DROPLET, name="-guardrail-1", tags=["tenant-acme", "tenant-acme-agent"]),
    ),
    Breakage(
        name="too-many-agents",
        rule="agents-at-most",
        what="51 droplets more in the agents' tier",
        extra=_crowd,
    ),
)
