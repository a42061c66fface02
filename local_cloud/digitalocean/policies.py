"""Cloud firewalls and trusted sources, compiled to what each endpoint lets through."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.tables import DatabaseCluster, Droplet, Firewall, Tag, Tagging
from local_cloud.hypervisor.model import Policy, Rule

Network = IPv4Network | IPv6Network
PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
DATABASE_PORTS = {"pg": 25060, "valkey": 25061}


@dataclass(frozen=True)
class Population:
    """An account's droplets: their addresses, and who carries which tag (by folded name)."""

    addresses: Mapping[int, tuple[Network, ...]]
    tagged: Mapping[str, frozenset[int]]

    def peers(self, ends: Mapping[str, Any]) -> tuple[Network, ...]:
        """Where a rule's sources or destinations are now, each once, in a stable order."""
        found: set[Network] = {ip_network(address, strict=False) for address in ends.get("addresses") or ()}
        for droplet_id in (*(ends.get("droplet_ids") or ()), *self._with_tags(ends.get("tags") or ())):
            found.update(self.addresses.get(int(droplet_id), ()))
        return tuple(sorted(found, key=lambda network: (network.version, network)))

    def _with_tags(self, tags: Iterable[str]) -> frozenset[int]:
        return frozenset().union(*(self.tagged.get(tag.lower(), frozenset()) for tag in tags))


def parse_ports(ports: str) -> tuple[int, int] | None:
    """The first and last port of "22" or "8000-9000"; None, which is every port, of "0" and "all".

    Raises ValueError.
    """
    if ports in {"0", "all", ""}:
        return None
    written = PORTS.fullmatch(ports)
    low, high = (int(written[1]), int(written[2] or written[1])) if written else (0, 0)
    if not 1 <= low <= high <= 65535:
        raise ValueError(f"{ports!r} is no port or range of ports from 1 to 65535")
    return low, high


def compile_policies(session: Session, account_id: int) -> dict[str, Policy | None]:
    """The policy of each of the account's endpoints; None where no firewall applies, which is open."""
    population = _population(session, account_id)
    firewalls = session.scalars(select(Firewall).where(Firewall.account_id == account_id)).all()
    policies = {
        f"droplet:{droplet_id}": _droplet_policy(droplet_id, firewalls, population)
        for droplet_id in population.addresses
    }
    for cluster in session.scalars(
        select(DatabaseCluster).where(
            DatabaseCluster.account_id == account_id, DatabaseCluster.deleting.is_(False)
        )
    ):
        policies[f"database:{cluster.id}"] = _database_policy(cluster, population)
    return policies


def firewalls_of(droplet_id: int, firewalls: Iterable[Firewall], tags: Iterable[str]) -> list[Firewall]:
    """Those that name the droplet, or one of the (folded) tags that it carries."""
    carried = set(tags)
    return [
        firewall
        for firewall in firewalls
        if droplet_id in firewall.droplet_ids or carried & {tag.lower() for tag in firewall.tags}
    ]


def _population(session: Session, account_id: int) -> Population:
    addresses: dict[int, tuple[Network, ...]] = {}
    for droplet in session.scalars(
        select(Droplet).where(Droplet.account_id == account_id, Droplet.deleting.is_(False))
    ):
        owned = (droplet.private_address, droplet.public_address)
        addresses[droplet.id] = tuple(IPv4Network(address) for address in owned if address)
    tagged: defaultdict[str, set[int]] = defaultdict(set)
    for name, droplet_id in session.execute(
        select(Tag.folded_name, Tagging.resource_id)
        .join(Tagging, Tagging.tag_id == Tag.id)
        .where(Tag.account_id == account_id, Tagging.resource_type == "droplet")
    ):
        tagged[name].add(int(droplet_id))
    return Population(addresses, {name: frozenset(ids) for name, ids in tagged.items()})


def _droplet_policy(droplet_id: int, firewalls: Iterable[Firewall], population: Population) -> Policy | None:
    tags = [tag for tag, members in population.tagged.items() if droplet_id in members]
    attached = firewalls_of(droplet_id, firewalls, tags)
    if not attached:
        return None
    rules: list[Rule] = []
    for firewall in sorted(attached, key=lambda one: one.id):
        rules += _rules("inbound", firewall.inbound_rules, "sources", population)
        rules += _rules("outbound", firewall.outbound_rules, "destinations", population)
    return Policy(rules=tuple(dict.fromkeys(rules)))


def _rules(
    direction: Literal["inbound", "outbound"], rules: Iterable[Any], ends: str, population: Population
) -> Iterable[Rule]:
    for rule in rules:
        # A rule whose peers are nobody (a tag without droplets) lets nobody through, so it is left out.
        if peers := population.peers(rule.get(ends) or {}):
            ports = None if rule["protocol"] == "icmp" else parse_ports(rule["ports"])
            yield Rule(direction=direction, protocol=rule["protocol"], ports=ports, peers=peers)


def _database_policy(cluster: DatabaseCluster, population: Population) -> Policy | None:
    if not cluster.rules:
        return None
    ends: dict[str, list[Any]] = {"addresses": [], "droplet_ids": [], "tags": []}
    kinds = {"ip_addr": "addresses", "droplet": "droplet_ids", "tag": "tags"}
    for rule in cluster.rules:
        ends[kinds[rule["type"]]].append(rule["value"])
    peers = population.peers(ends)
    port = DATABASE_PORTS[cluster.engine]
    rules = (Rule(direction="inbound", protocol="tcp", ports=(port, port), peers=peers),) if peers else ()
    return Policy(rules=rules, unrestricted_outbound=True)
