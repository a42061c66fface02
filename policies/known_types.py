"""The rule on types of resources: what no rule was written for is in no stack."""

from collections.abc import Iterator

from policies.reading import Resource
from policies.resource_types import (
    DATABASE_CLUSTER,
    DATABASE_DB,
    DATABASE_FIREWALL,
    DATABASE_USER,
    DROPLET,
    FIREWALL,
    LOCAL_COMMAND,
    PROJECT,
    PROJECT_RESOURCES,
    REMOTE_COMMAND,
    REMOTE_COPY,
    TAG,
    TAILNET_KEY,
    TAILNET_POLICY,
    VAULT_APP_ROLE,
    VAULT_MOUNT,
    VAULT_SETTING,
    VOLUME,
    VOLUME_ATTACHMENT,
    VPC,
    VPC_NAT_GATEWAY,
)
from policies.rule import (
    EVERY_TYPE,
    TEXTS,
    Config,
    Finding,
    ResourceRule,
    Rule,
    Setting,
    Severity,
    Theme,
    nist,
    soc2,
)

OF_ALL_STACKS = ("pulumi:pulumi:", "pulumi:providers:", "tenantry:index:")
"""What types begin with that the engine makes, and components."""

OF_A_TENANT = frozenset(
    {
        *(DATABASE_CLUSTER, DATABASE_DB, DATABASE_FIREWALL, DATABASE_USER, DROPLET, FIREWALL, PROJECT),
        *(PROJECT_RESOURCES, TAG, VOLUME, VOLUME_ATTACHMENT, VPC, VPC_NAT_GATEWAY, TAILNET_KEY),
        *(LOCAL_COMMAND, REMOTE_COMMAND, REMOTE_COPY),
        "pulumi-python:dynamic/tenantry:EnrolledHost",
    }
)
OF_THE_PLATFORM = frozenset(
    {
        *(TAILNET_POLICY, VAULT_APP_ROLE, VAULT_MOUNT, VAULT_SETTING),
        "pulumi-python:dynamic/tenantry:VaultAuthMethod",
        "pulumi-python:dynamic/tenantry:VaultAuthority",
    }
)


def _known(resource: Resource, config: Config) -> Iterator[Finding]:
    known = OF_A_TENANT if resource.is_of_a_tenant else OF_THE_PLATFORM
    if resource.type in known or resource.type.startswith(OF_ALL_STACKS):
        return
    if resource.type not in config["also_allowed"]:
        yield f"no rule is written for its type in a stack of this kind: {resource.type}"


RESOURCE_TYPE_KNOWN = ResourceRule(
    name="resource-type-known",
    theme=Theme.TENANCY,
    title="A stack has no resource of a type that the rules don't know.",
    why=(
        "Rules speak of what our programs declare. A cluster of Kubernetes, a bucket, a function or a second "
        "tailnet policy would pass them all, as none is about it."
    ),
    severity=Severity.HIGH,
    controls=(nist(1), soc2("CC8.1")),
    remediation="Take it out, or write rules for the type and list it in policies/known_types.py.",
    unknowns="there are none: the type alone decides",
    settings={
        "also_allowed": Setting(
            schema=TEXTS,
            default=[],
            description="Type tokens that are let through as well, in every stack.",
        )
    },
    types=(EVERY_TYPE,),
    check=_known,
)

RULES: tuple[Rule, ...] = (RESOURCE_TYPE_KNOWN,)
