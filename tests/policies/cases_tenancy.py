"""The rules of the theme tenancy, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace

from rule_case import UNKNOWN, Case, Given

from policies import tenancy
from policies.resource_types import (
    DATABASE_CLUSTER,
    DATABASE_REPLICA,
    DATABASE_USER,
    DROPLET,
    FIREWALL,
    LOCAL_COMMAND,
    PROJECT,
    TAG,
    VOLUME,
    VPC,
)

AGENT = Given(
    type=DROPLET,
    name="acme-agent-writer-1",
    props={"name": "acme-agent-writer-1", "tags": ["tenant-acme", "tenant-acme-agent"]},
)
GUARDRAIL = Given(
    type=DROPLET,
    name="acme-guardrail-1",
    props={"name": "acme-guardrail-1", "tags": ["tenant-acme", "tenant-acme-guardrail"]},
)
FIREWALL_OF_ACME = Given(
    type=FIREWALL,
    name="acme-firewall-agent",
    props={"name": "acme-firewall-agent", "tags": ["tenant-acme-agent"]},
)
TAG_OF_ACME = Given(type=TAG, name="tenant-acme-agent", props={"name": "tenant-acme-agent"})
USER = Given(type=DATABASE_USER, name="acme-database-user-agents", props={"name": "agents"})
KEY = Given(type=LOCAL_COMMAND, name="acme-guardrail-1-mesh-host-key", props={"name": "anything"})


def _agents(count: int) -> list[Given]:
    return [replace(AGENT, name=f"acme-agent-writer-{number}") for number in range(1, count + 1)]


CASES: tuple[Case, ...] = (
    Case(
        rule=tenancy.TENANT_TAG,
        passes=(
            AGENT,
            AGENT.but(tags=["tenant-acme"]),
            FIREWALL_OF_ACME,
            replace(AGENT, stack="platform"),
        ),
        violates=(
            *(
                replace(AGENT, type=type_).but(tags=["tenant-acme-agent"])
                for type_ in (DROPLET, DATABASE_CLUSTER, DATABASE_REPLICA, VOLUME)
            ),
            AGENT.but(tags=None),
            AGENT.but(tags=[]),
            AGENT.but(tags=["tenant-acm", "Tenant-Acme", "acme"]),
            replace(AGENT, stack="globex"),
        ),
        unknown=(
            (AGENT.but(tags=UNKNOWN), False),
            (AGENT.but(tags=["tenant-acme-agent", UNKNOWN]), False),
            (AGENT.but(tags=["tenant-acme", UNKNOWN]), True),
        ),
    ),
    Case(
        rule=tenancy.NO_FOREIGN_TAG,
        passes=(AGENT, FIREWALL_OF_ACME, KEY, AGENT.but(tags=["writers"]), AGENT.but(tags=None)),
        violates=(
            AGENT.but(tags=["tenant-acme", "tenant-globex"]),
            AGENT.but(tags=["tenant-globex-database"]),
            AGENT.but(tags=["Tenant-Globex"]),
            AGENT.but(tags=["tenant-acme-corp"]),
            FIREWALL_OF_ACME.but(tags=["tenant-globex-agent"]),
            replace(AGENT, stack="platform"),
        ),
        unknown=(
            (AGENT.but(tags=UNKNOWN), False),
            (AGENT.but(tags=["tenant-acme", UNKNOWN]), False),
        ),
    ),
    Case(
        rule=tenancy.NAMED_FOR_THE_TENANT,
        passes=(
            *(AGENT, GUARDRAIL, FIREWALL_OF_ACME, TAG_OF_ACME, USER, KEY),
            replace(AGENT, type=PROJECT).but(name="acme-project"),
            TAG_OF_ACME.but(name="tenant-acme"),
            Given(type="digitalocean:index/projectResources:ProjectResources", name="a", props={}),
            replace(AGENT, stack="platform"),
        ),
        violates=(
            *(
                AGENT.but(name=name)
                for name in ("globex-agent-writer-1", "acme", "acme-", "acme-corp-agent-1", "acmeagent-1")
            ),
            AGENT.but(name="the-acme-agent-1"),
            AGENT.but(name="acme-agents-1"),
            AGENT.but(name=None),
            replace(AGENT, stack="globex"),
            replace(AGENT, type=VPC).but(name="default"),
            TAG_OF_ACME.but(name="tenant-globex"),
            TAG_OF_ACME.but(name="acme-agent"),
        ),
        unknown=((AGENT.but(name=UNKNOWN), False), (TAG_OF_ACME.but(name=UNKNOWN), False)),
    ),
    Case(
        rule=tenancy.AGENTS_HAVE_A_GUARDRAIL,
        passes=((AGENT, GUARDRAIL), (GUARDRAIL,), (FIREWALL_OF_ACME,)),
        violates=((AGENT,), (AGENT, replace(GUARDRAIL, type=VOLUME)), (AGENT, GUARDRAIL.but(tags=None))),
        unknown=(
            ((AGENT, GUARDRAIL.but(tags=UNKNOWN)), False),
            ((AGENT.but(tags=UNKNOWN),), False),
            ((AGENT.but(tags=UNKNOWN), GUARDRAIL), True),
        ),
    ),
    Case(
        rule=tenancy.AGENTS_AT_MOST,
        passes=((*_agents(3), GUARDRAIL),),
        violates=(_agents(4),),
        unknown=(
            (_agents(2), True),
            ((*_agents(3), GUARDRAIL.but(tags=UNKNOWN)), False),
            ((*_agents(3), GUARDRAIL.but(vpcUuid=UNKNOWN)), True),
        ),
        config={"maximum": 3},
    ),
)
