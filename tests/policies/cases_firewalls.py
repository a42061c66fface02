"""The rules of cloud firewalls, each with what passes, what violates, and what a preview doesn't know."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rule_case import UNKNOWN, Case, Given

from policies import firewalls
from policies.resource_types import DROPLET, FIREWALL

WORLD = ["0.0.0.0/0", "::/0"]
RANGE = ["10.32.0.0/24"]


def _in(port: str = "8443", protocol: str = "tcp", **sources: Any) -> dict[str, Any]:
    return {"protocol": protocol, "portRange": port, **sources}


def _out(port: str, addresses: Any, protocol: str = "tcp", **more: Any) -> dict[str, Any]:
    return {"protocol": protocol, "portRange": port, "destinationAddresses": addresses, **more}


FROM_AGENTS = _in(sourceTags=["tenant-acme-agent"])
TO_GUARDRAIL = _out("8443", [], destinationTags=["tenant-acme-guardrail"])
MESH = (
    _out("443", ["192.200.0.0/24"]),
    _out("3478", ["192.200.0.101/32"], "udp"),
    _out("41641", ["198.18.255.0/24"], "udp"),
)

GUARDRAIL = Given(
    type=FIREWALL,
    name="acme-firewall-guardrail",
    props={
        "tags": ["tenant-acme-guardrail"],
        "inboundRules": [FROM_AGENTS],
        "outboundRules": [_out("25060", RANGE), _out("443", WORLD), *MESH],
    },
)
AGENT = Given(
    type=FIREWALL,
    name="acme-firewall-agent",
    props={
        "tags": ["tenant-acme-agent"],
        "inboundRules": [],
        "outboundRules": [TO_GUARDRAIL, _out("25060", RANGE), _out("25061", RANGE), *MESH],
    },
)
HOST = Given(type=DROPLET, name="acme-agent-writer-1", props={"tags": ["tenant-acme", "tenant-acme-agent"]})


def _admitting(*rules: Any) -> Given:
    return GUARDRAIL.but(inboundRules=list(rules))


def _letting_out(firewall: Given, *rules: Any) -> Given:
    return firewall.but(outboundRules=list(rules))


def _tagged(firewall: Given, *tags: str) -> Given:
    return firewall.but(tags=list(tags))


OF_MANY = ("104.16.0.0/16", "::ffff:0:0/96", "64:ff9b::/96", "2002::/32", "2001:db8::1/128")
"""Ranges that are too large for the mesh's, and what stands for all of IPv4 in IPv6."""

OTHER_FLOWS: Sequence[Given] = (
    _admitting(_in("22", sourceTags=["tenant-acme-agent"])),
    _admitting(_in("8443", "udp", sourceTags=["tenant-acme-agent"])),
    _admitting(_in("8443-8444", sourceTags=["tenant-acme-agent"])),
    _admitting(_in("all", sourceTags=["tenant-acme-agent"])),
    _admitting({"protocol": "icmp", "sourceTags": ["tenant-acme-agent"]}),
    _admitting({**FROM_AGENTS, "sourceTags": ["tenant-acme-guardrail"]}),
    _admitting({**FROM_AGENTS, "sourceTags": ["tenant-acme-agent", "tenant-globex-agent"]}),
    _admitting({**FROM_AGENTS, "sourceDropletIds": [1]}),
    _admitting({**FROM_AGENTS, "sourceAddresses": RANGE}),
    _letting_out(AGENT, _out("25060", WORLD)),
    _letting_out(AGENT, _out("25060", ["10.0.0.0/8"])),
    _letting_out(AGENT, _out("25060", ["203.0.113.0/24"])),
    _letting_out(AGENT, _out("25060", [])),
    _letting_out(AGENT, _out("25060", RANGE, destinationKubernetesIds=["a"])),
    _letting_out(AGENT, _out("8443", RANGE)),
    _letting_out(AGENT, _out("443", WORLD)),
    _letting_out(AGENT, _out("443", ["192.0.0.0/12"])),
    _letting_out(AGENT, _out("443", ["2000::/16"])),
    *(_letting_out(AGENT, _out("443", [block])) for block in OF_MANY),
    _letting_out(AGENT, _out("443", RANGE)),
    _letting_out(AGENT, _out("22", ["100.64.0.0/24"])),
    _letting_out(AGENT, _out("8200", ["100.64.0.2/32"])),
    _letting_out(GUARDRAIL, _out("80", WORLD)),
    _letting_out(GUARDRAIL, _out("443", ["0.0.0.0/1"])),
    _letting_out(GUARDRAIL, _out("25061", RANGE)),
    _letting_out(GUARDRAIL, _out("8200", ["100.64.0.2/32"])),
    _letting_out(GUARDRAIL, _out("443", ["somewhere"])),
)

CASES: tuple[Case, ...] = (
    Case(
        rule=firewalls.ADMITS_NOBODY_BY_ADDRESS,
        passes=(
            GUARDRAIL,
            AGENT,
            AGENT.but(inboundRules=None),
            _admitting({**FROM_AGENTS, "sourceAddresses": [], "sourceDropletIds": []}),
        ),
        violates=(
            *(_admitting(_in(sourceAddresses=[block])) for block in (*WORLD, *RANGE, "203.0.113.7/32")),
            _admitting(FROM_AGENTS, {**FROM_AGENTS, "sourceAddresses": RANGE}),
            _admitting({**FROM_AGENTS, "sourceDropletIds": [1]}),
            _admitting({**FROM_AGENTS, "sourceLoadBalancerUids": ["a"]}),
            _admitting({**FROM_AGENTS, "sourceKubernetesIds": ["a"]}),
            _admitting(_in(sourceTags=["tenant-globex-agent"])),
            _admitting(_in(sourceTags=["tenant-acme-agent", "jumphost"])),
            _admitting(_in()),
            _admitting(_in(sourceTags=[])),
        ),
        unknown=(
            (GUARDRAIL.but(inboundRules=UNKNOWN), False),
            (_admitting(UNKNOWN), False),
            (_admitting({**FROM_AGENTS, "sourceAddresses": UNKNOWN}), False),
            (_admitting({**FROM_AGENTS, "sourceDropletIds": [UNKNOWN]}), False),
            (_admitting(_in(sourceTags=UNKNOWN)), False),
            (_admitting(_in(sourceTags=["tenant-acme-agent", UNKNOWN])), False),
            (_admitting(_in(UNKNOWN, sourceTags=["tenant-acme-agent"])), True),
        ),
    ),
    Case(
        rule=firewalls.RULES_FROM_THE_TABLE,
        passes=(GUARDRAIL, AGENT, AGENT.but(inboundRules=None, outboundRules=None)),
        violates=(*OTHER_FLOWS, _tagged(AGENT, "tenant-acme-guardrail"), AGENT.but(tags=None)),
        unknown=(
            (GUARDRAIL.but(inboundRules=UNKNOWN), False),
            (GUARDRAIL.but(tags=UNKNOWN), False),
            (_admitting(UNKNOWN), False),
            (_admitting(_in(UNKNOWN, sourceTags=["tenant-acme-agent"])), False),
            (_admitting(_in(sourceTags=["tenant-acme-agent"], sourceDropletIds=UNKNOWN)), False),
            (_letting_out(AGENT, _out("25060", UNKNOWN)), False),
            (_letting_out(AGENT, _out("25060", [UNKNOWN])), False),
            (_letting_out(AGENT, {**TO_GUARDRAIL, "protocol": UNKNOWN}), False),
        ),
    ),
    Case(
        rule=firewalls.LEAVE_THROUGH_THE_GUARDRAIL,
        passes=(AGENT, GUARDRAIL, AGENT.but(outboundRules=None)),
        violates=(
            *(_letting_out(AGENT, TO_GUARDRAIL, _out("443", [block])) for block in WORLD),
            *(_letting_out(AGENT, _out("443", [block])) for block in ("0.0.0.0/1", "8.0.0.0/8", "2000::/3")),
            _letting_out(AGENT, _out("443", ["example.com"])),
            _tagged(GUARDRAIL, "tenant-acme-guardrail", "tenant-acme-agent"),
            _tagged(GUARDRAIL, "tenant-acme"),
        ),
        unknown=(
            (GUARDRAIL.but(tags=UNKNOWN), False),
            (AGENT.but(outboundRules=UNKNOWN), False),
            (_letting_out(AGENT, _out("443", UNKNOWN)), False),
            (_letting_out(AGENT, _out("443", [UNKNOWN])), False),
        ),
    ),
    Case(
        rule=firewalls.TARGETS_ONE_TIER,
        passes=(AGENT, GUARDRAIL, AGENT.but(dropletIds=[])),
        violates=(
            _tagged(AGENT),
            AGENT.but(tags=None),
            _tagged(AGENT, "tenant-acme"),
            _tagged(AGENT, "tenant-acme-database"),
            _tagged(AGENT, "tenant-acme-agent", "tenant-acme-guardrail"),
            _tagged(AGENT, "tenant-globex-agent"),
            replace(AGENT, stack="platform"),
            AGENT.but(dropletIds=[1]),
        ),
        unknown=(
            (AGENT.but(tags=UNKNOWN), False),
            (_tagged(AGENT, UNKNOWN), False),
            (AGENT.but(dropletIds=UNKNOWN), False),
        ),
    ),
    Case(
        rule=firewalls.TIER_HAS_A_FIREWALL,
        passes=((AGENT, GUARDRAIL, HOST), (GUARDRAIL,), (replace(HOST, stack="platform"),)),
        violates=(
            (HOST,),
            (GUARDRAIL, HOST),
            (_tagged(AGENT, "tenant-acme-agent", "tenant-acme-guardrail"), HOST),
            (AGENT, HOST.but(tags=["tenant-acme"])),
            (AGENT, HOST.but(tags=None)),
            (AGENT, GUARDRAIL, HOST.but(tags=["tenant-acme-agent", "tenant-acme-guardrail"])),
            (AGENT, HOST.but(tags=["tenant-acme-agent", "tenant-acme-database"])),
            (AGENT, HOST.but(tags=["tenant-acme-cache"])),
        ),
        unknown=(
            ((AGENT, HOST.but(tags=UNKNOWN)), False),
            ((AGENT, HOST.but(tags=["tenant-acme-agent", UNKNOWN])), False),
            ((AGENT.but(tags=UNKNOWN), HOST), False),
        ),
    ),
)
