"""The rules of the mesh's keys, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace

from rule_case import UNKNOWN, Case, Given

from policies import mesh
from policies.resource_types import TAILNET_KEY, TAILNET_POLICY

KEY = Given(
    type=TAILNET_KEY,
    name="acme-agent-writer-1-mesh-key",
    props={
        "ephemeral": True,
        "reusable": False,
        "preauthorized": True,
        "expiry": 600,
        "tags": ["tag:tenant-acme-agent"],
        "description": UNKNOWN,
    },
)
POLICY = Given(type=TAILNET_POLICY, name="acme-tailnet-policy", props={"acl": "{}"})
KINDS = (
    "DnsNameservers",
    "DnsSplitNameservers",
    "TailnetSettings",
    "Webhook",
    "DeviceAuthorization",
    "OauthClient",
)


def of_the_tailnet(kind: str) -> Given:
    return Given(type=f"tailscale:index/{kind[0].lower()}{kind[1:]}:{kind}", name="acme-tailnet", props={})


CASES: tuple[Case, ...] = (
    Case(
        rule=mesh.ONE_TIME,
        passes=(KEY, KEY.but(expiry=600.0), KEY.but(expiry=3600)),
        violates=(
            KEY.but(ephemeral=False),
            KEY.but(ephemeral=None),
            KEY.but(reusable=True),
            KEY.but(reusable=None),
            KEY.but(preauthorized=False),
            KEY.but(expiry=None),
            KEY.but(expiry=0),
            KEY.but(expiry=3601),
            KEY.but(expiry=True),
        ),
        unknown=((KEY.but(expiry=UNKNOWN), False), (KEY.but(reusable=UNKNOWN), False)),
    ),
    Case(
        rule=mesh.TAGGED,
        passes=(KEY, KEY.but(tags=["tag:tenant-acme-guardrail"])),
        violates=(
            KEY.but(tags=None),
            KEY.but(tags=[]),
            KEY.but(tags=["tag:tenant-globex-agent"]),
            KEY.but(tags=["tag:control-plane"]),
            KEY.but(tags=["tag:vault"]),
            KEY.but(tags=["tag:tenant-acme-agent", "tag:tenant-acme-guardrail"]),
            KEY.but(tags=["tag:tenant-acme-database"]),
            replace(KEY, stack="platform"),
        ),
        unknown=((KEY.but(tags=UNKNOWN), False), (KEY.but(tags=[UNKNOWN]), False)),
    ),
    Case(
        rule=mesh.PLATFORMS_ALONE,
        passes=(
            KEY,
            replace(POLICY, stack="platform"),
            Given(type="pulumi:providers:tailscale", name="default", props={}),
        ),
        violates=(POLICY, *(of_the_tailnet(kind) for kind in KINDS)),
        unknown=((KEY.but(tags=UNKNOWN), True), (POLICY.but(acl=UNKNOWN), False)),
    ),
)
