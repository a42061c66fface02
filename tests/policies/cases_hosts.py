"""The rules of the theme hosts, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace

from rule_case import UNKNOWN, Case, Given

from policies import hosts
from policies.resource_types import DROPLET, HARDENED_HOST

HOST = Given(
    type=DROPLET,
    name="acme-guardrail-1",
    parents=("tenantry:index:Guardrail", HARDENED_HOST),
    props={
        "image": "debian-12-x64",
        "size": "s-1vcpu-2gb",
        "dropletAgent": False,
        "monitoring": True,
        "userData": "#cloud-config\n",
    },
)

CASES: tuple[Case, ...] = (
    Case(
        rule=hosts.IMAGE_ALLOWED,
        passes=(HOST,),
        violates=(
            HOST.but(image="ubuntu-24-04-x64"),
            HOST.but(image="debian-12-x64-mine"),
            HOST.but(image="12345678"),
            HOST.but(image=None),
        ),
        unknown=((HOST.but(image=UNKNOWN), False),),
    ),
    Case(
        rule=hosts.SIZE_ALLOWED,
        passes=(
            HOST,
            *(HOST.but(size=size) for size in ("s-1vcpu-512mb-10gb", "s-8vcpu-16gb-480gb-intel")),
            *(HOST.but(size=size) for size in ("c-2", "c2-4vcpu-8gb-intel", "so1_5-2vcpu-16gb")),
        ),
        violates=(
            HOST.but(size="gpu-h100x1-80gb"),
            HOST.but(size="gpu-mi300x8-1536gb"),
            HOST.but(size="s-1vcpu-2gb-or-so"),
            HOST.but(size="64gb"),
            HOST.but(size=None),
        ),
        unknown=((HOST.but(size=UNKNOWN), False),),
    ),
    Case(
        rule=hosts.NO_ACCOUNT_KEYS,
        passes=(HOST, HOST.but(sshKeys=[])),
        violates=(
            HOST.but(sshKeys=["a-fingerprint"]),
            HOST.but(dropletAgent=True),
            HOST.but(dropletAgent=None),
        ),
        unknown=(
            (HOST.but(sshKeys=UNKNOWN), False),
            (HOST.but(sshKeys=[UNKNOWN]), False),
            (HOST.but(dropletAgent=UNKNOWN), False),
        ),
    ),
    Case(
        rule=hosts.IS_HARDENED_HOST,
        passes=(HOST,),
        violates=(
            replace(HOST, parents=()),
            replace(HOST, parents=(HARDENED_HOST, "tenantry:index:Guardrail")),
            HOST.but(userData=None),
            HOST.but(userData=""),
        ),
        unknown=(
            (HOST.but(userData=UNKNOWN), True),
            (replace(HOST, parents=()).but(userData=UNKNOWN), False),
        ),
    ),
    Case(
        rule=hosts.MONITORING,
        passes=(HOST,),
        violates=(HOST.but(monitoring=False), HOST.but(monitoring=None)),
        unknown=((HOST.but(monitoring=UNKNOWN), False),),
    ),
)
