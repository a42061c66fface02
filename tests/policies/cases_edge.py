"""The rules of the edge, each with what passes, what violates, and what a preview doesn't know."""

from dataclasses import replace
from typing import Any

from rule_case import UNKNOWN, Case, Given

from policies import edge
from policies.resource_types import (
    CDN,
    CERTIFICATE,
    DNS_RECORD,
    DOMAIN,
    DROPLET,
    LOAD_BALANCER,
    PARTNER_ATTACHMENT,
    RESERVED_IP,
    VPC_PEERING,
)

HOST = Given(type=DROPLET, name="acme-agent-writer-1", props={"ipv4Address": "a"})
TLS = {"entryProtocol": "https", "entryPort": 443, "targetProtocol": "https", "targetPort": 443}
BALANCER = Given(type=LOAD_BALANCER, name="platform-edge", stack="platform", props={"forwardingRules": [TLS]})


def _of_acme(type_: str, **props: Any) -> Given:
    return Given(type=type_, name="acme-network-extra", props=props)


def _of_the_platform(type_: str) -> Given:
    return replace(_of_acme(type_), stack="platform")


def _listening(*rules: Any, **props: Any) -> Given:
    return BALANCER.but(forwardingRules=list(rules), **props)


CASES: tuple[Case, ...] = (
    Case(
        rule=edge.NO_VPC_PEERING,
        passes=(HOST,),
        violates=(
            _of_acme(VPC_PEERING, vpcIds=["a", "b"]),
            _of_the_platform(VPC_PEERING),
            _of_acme(PARTNER_ATTACHMENT),
        ),
        unknown=((_of_acme(VPC_PEERING, vpcIds=UNKNOWN), False),),
    ),
    Case(
        rule=edge.NO_RESERVED_IP,
        passes=(HOST, _of_the_platform(RESERVED_IP)),
        violates=tuple(map(_of_acme, edge.RESERVED_ADDRESSES)),
        unknown=((_of_acme(RESERVED_IP, dropletId=UNKNOWN), False),),
    ),
    Case(
        rule=edge.NO_LOAD_BALANCER,
        passes=(HOST, BALANCER),
        violates=(_of_acme(LOAD_BALANCER, **BALANCER.props),),
        unknown=((_of_acme(LOAD_BALANCER, vpcUuid=UNKNOWN), False),),
    ),
    Case(
        rule=edge.NO_DOMAIN,
        passes=(HOST, _of_the_platform(DOMAIN)),
        violates=tuple(map(_of_acme, (DOMAIN, DNS_RECORD, CERTIFICATE, CDN))),
        unknown=((_of_acme(DNS_RECORD, value=UNKNOWN), False),),
    ),
    Case(
        rule=edge.EDGE_TLS_ONLY,
        passes=(
            BALANCER,
            *(_listening({**TLS, "entryProtocol": protocol}) for protocol in ("http2", "http3")),
            _listening({**TLS, "entryProtocol": "tcp", "tlsPassthrough": True}),
            _listening(TLS, {**TLS, "entryPort": 80}, redirectHttpToHttps=True),
        ),
        violates=(
            BALANCER.but(forwardingRules=None),
            _listening(),
            _listening(TLS, {**TLS, "entryProtocol": "http", "entryPort": 80}, redirectHttpToHttps=True),
            _listening({**TLS, "entryPort": 80}),
            *(_listening({**TLS, "entryProtocol": protocol}) for protocol in ("http", "tcp", "udp")),
            _listening({**TLS, "entryProtocol": "tcp", "tlsPassthrough": False}),
            replace(_listening({**TLS, "entryProtocol": "http"}), stack="acme"),
        ),
        unknown=(
            (BALANCER.but(forwardingRules=UNKNOWN), False),
            (_listening(UNKNOWN), False),
            (_listening({**TLS, "entryProtocol": UNKNOWN}), False),
            (_listening({**TLS, "entryPort": UNKNOWN}), False),
            (_listening({**TLS, "certificateName": UNKNOWN}), True),
        ),
    ),
)
