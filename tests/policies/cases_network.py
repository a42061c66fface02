"""The rules of the network, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace

from rule_case import UNKNOWN, Case, Given

from policies import network
from policies.resource_types import DROPLET, PROJECT, VPC

DROPLET_OF_ACME = Given(
    type=DROPLET,
    name="acme-guardrail-1",
    props={"publicNetworking": False, "ipv6": False, "vpcUuid": "a-vpc"},
    sources={"vpcUuid": ("acme-network-vpc",)},
)
VPC_OF_ACME = Given(type=VPC, name="acme-network-vpc", props={"ipRange": "10.32.0.0/24"})
PROJECT_OF_ACME = Given(type=PROJECT, name="acme-project", props={})
RANGES = {"acme": "10.32.0.0/24", "globex": "10.32.1.0/24"}

CASES: tuple[Case, ...] = (
    Case(
        rule=network.NO_PUBLIC_INTERFACE,
        passes=(DROPLET_OF_ACME, DROPLET_OF_ACME.but(ipv6=None)),
        violates=(
            DROPLET_OF_ACME.but(publicNetworking=True),
            DROPLET_OF_ACME.but(publicNetworking=None),
            DROPLET_OF_ACME.but(ipv6=True),
        ),
        unknown=((DROPLET_OF_ACME.but(publicNetworking=UNKNOWN), False),),
    ),
    Case(
        rule=network.NAMES_A_VPC,
        passes=(DROPLET_OF_ACME,),
        violates=(DROPLET_OF_ACME.but(vpcUuid=None), DROPLET_OF_ACME.but(vpcUuid="")),
        unknown=((DROPLET_OF_ACME.but(vpcUuid=UNKNOWN), True),),
    ),
    Case(
        rule=network.IN_ITS_TENANTS_VPC,
        passes=((VPC_OF_ACME, DROPLET_OF_ACME), (VPC_OF_ACME,)),
        violates=(
            (VPC_OF_ACME, replace(DROPLET_OF_ACME, sources={})),
            (VPC_OF_ACME, replace(DROPLET_OF_ACME, sources={"name": ("acme-network-vpc",)})),
            (PROJECT_OF_ACME, replace(DROPLET_OF_ACME, sources={"vpcUuid": ("acme-project",)})),
            (
                VPC_OF_ACME,
                PROJECT_OF_ACME,
                replace(DROPLET_OF_ACME, sources={"vpcUuid": ("acme-project", "acme-network-vpc")}),
            ),
        ),
        unknown=(
            ((VPC_OF_ACME, DROPLET_OF_ACME.but(vpcUuid=UNKNOWN)), True),
            ((VPC_OF_ACME, replace(DROPLET_OF_ACME.but(vpcUuid=UNKNOWN), sources={})), False),
        ),
    ),
    Case(
        rule=network.RANGE_PRIVATE_AND_SMALL,
        passes=(
            VPC_OF_ACME,
            *(VPC_OF_ACME.but(ipRange=block) for block in ("172.31.255.0/28", "192.168.0.0/24")),
        ),
        violates=(
            *(VPC_OF_ACME.but(ipRange=block) for block in ("10.32.0.0/16", "10.32.0.0/23")),
            *(VPC_OF_ACME.but(ipRange=block) for block in ("192.0.2.0/24", "172.32.0.0/24", "fd00::/120")),
            *(VPC_OF_ACME.but(ipRange=block) for block in ("10.32.0.1/24", "", "acme", None)),
        ),
        unknown=((VPC_OF_ACME.but(ipRange=UNKNOWN), False),),
    ),
    Case(
        rule=network.RANGES_APART,
        passes=((VPC_OF_ACME, DROPLET_OF_ACME), (PROJECT_OF_ACME,)),
        violates=(
            (VPC_OF_ACME, replace(VPC_OF_ACME, name="acme-network-second").but(ipRange="10.99.0.0/24")),
            (VPC_OF_ACME.but(ipRange="10.32.1.0/28"),),
            (VPC_OF_ACME.but(ipRange="10.32.0.0/20"),),
            (replace(VPC_OF_ACME, stack="globex"),),
            (replace(VPC_OF_ACME, stack="initech").but(ipRange="10.99.0.0/24"),),
            (VPC_OF_ACME.but(ipRange="acme"),),
        ),
        unknown=(((VPC_OF_ACME.but(ipRange=UNKNOWN),), False),),
        config={"ranges": RANGES},
    ),
)
