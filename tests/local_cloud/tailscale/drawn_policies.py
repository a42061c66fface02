"""Policies and devices for property tests, drawn from a few names that meet often."""

from ipaddress import ip_network
from typing import Any

from hypothesis import strategies as st

from local_cloud.tailscale.policy.evaluation import Device
from local_cloud.tailscale.policy.model import OWNER

TAGS = ("tag:a", "tag:b", "tag:c")
DECLARED: dict[str, Any] = {
    "tagOwners": {tag: [] for tag in TAGS},
    "groups": {"group:ops": [OWNER, "stranger@example.com"], "group:empty": []},
    "hosts": {"db": "10.0.0.5", "one": "100.64.0.1"},
}
NAMES = st.sampled_from(
    [
        *TAGS,
        "*",
        OWNER,
        "stranger@example.com",
        "group:ops",
        "group:empty",
        "autogroup:member",
        "autogroup:tagged",
        "autogroup:admin",
        "db",
        "one",
        "100.64.0.2",
        "100.64.0.0/10",
        "10.0.0.0/8",
        "fd7a:115c:a1e0::1",
    ]
)
USERS = st.sampled_from([OWNER, "group:ops", "autogroup:member", "autogroup:admin"])
PORTS = st.sampled_from(["*", "22", "80,443", "20-30", "8000-9000,22"])
PROTOCOLS = st.sampled_from(["", "tcp", "udp", "sctp"])
PORT = st.sampled_from([1, 22, 25, 80, 443, 8080, 65535])


def _acl(sources: list[str], ends: list[tuple[str, str]], protocol: str) -> dict[str, Any]:
    return {
        "action": "accept",
        "src": sources,
        "dst": [f"{name}:{ports}" for name, ports in ends],
        **({"proto": protocol} if protocol else {}),
    }


ACLS = st.builds(
    _acl,
    st.lists(NAMES, min_size=1, max_size=3),
    st.lists(st.tuples(NAMES, PORTS), min_size=1, max_size=3),
    PROTOCOLS,
) | st.builds(
    _acl,
    st.lists(USERS, min_size=1, max_size=2),
    st.lists(st.tuples(NAMES | st.just("autogroup:self"), PORTS), min_size=1, max_size=3),
    PROTOCOLS,
)
GRANTS = st.builds(
    lambda sources, ends, protocol, ports: {
        "src": sources,
        "dst": ends,
        "ip": [f"{protocol}:{ports}" if protocol else ports],
    },
    st.lists(NAMES, min_size=1, max_size=3),
    st.lists(NAMES, min_size=1, max_size=3),
    PROTOCOLS,
    PORTS,
)
POLICIES = st.builds(
    lambda acls, grants: {**DECLARED, "acls": acls, "grants": grants},
    st.lists(ACLS, max_size=3),
    st.lists(GRANTS, max_size=2),
)

DEVICES = st.builds(
    lambda address, tags: Device(networks=(ip_network(address),), tags=tags, user=None if tags else OWNER),
    st.sampled_from(["100.64.0.1", "100.64.0.2", "100.64.0.3", "fd7a:115c:a1e0::1"]),
    st.frozensets(st.sampled_from(TAGS), max_size=2),
)
"""Members that have joined: each has tags or the tailnet's one user."""

OUTSIDE = st.builds(
    lambda address: Device(networks=(ip_network(address),)),
    st.sampled_from(["10.0.0.5", "8.8.8.8"]),
)
