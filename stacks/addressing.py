"""Tenants' address ranges: allocated without overlap, written in one ledger, and never moved once given.

A VPC's range can't be changed and is part of every host's firewall, so a range that moved would replace the
whole tenant. The ledger is committed; its entries are only ever added, so a range outlives its tenant and is
not reused.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path

import yaml

from components.naming import check_tenant
from stacks.spec_errors import Problem, SpecError

LEDGER = Path(__file__).resolve().parents[1] / "addresses.yaml"

POOL = IPv4Network("10.32.0.0/11")
"""8192 ranges, clear of what DigitalOcean reserves and of 10.0.0.0/16 and 10.10.0.0/16, which offices like
to use.
"""

PREFIX = 24
"""251 usable addresses: room for 50 droplets to be replaced while the old ones still run."""

LARGEST_PREFIX, SMALLEST_PREFIX = 16, 28
"""DigitalOcean's limits on a VPC (documentation, "Plan your VPC network")."""

PRIVATE = tuple(IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

RESERVED = tuple(
    IPv4Network(block)
    for block in ("10.10.0.0/16", "10.229.0.0/16", "10.244.0.0/16", "10.245.0.0/16", "10.246.0.0/24")
)
"""DigitalOcean's own (the same page); 10.10.0.0/16 is reserved in nyc1 alone, and kept clear everywhere."""

RESERVED_ADDRESSES = 5
"""In each VPC: network, broadcast, gateway, and two that DigitalOcean keeps for itself."""

_HEADER = """\
# Who has which address range. Written by `python -m stacks.allocate TENANT`; commit it.
# An entry is never changed or removed, and a range is never given twice.
"""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Every range ever given, by tenant. Immutable: `allocated` and `with_entry` make new ones."""

    ranges: Mapping[str, IPv4Network]

    @classmethod
    def read(cls, path: Path = LEDGER) -> "Ledger":
        """The ledger of a file; empty when there is none. Raises SpecError when it is not a ledger."""
        try:
            content = yaml.safe_load(path.read_text()) if path.exists() else {"ranges": {}}
            ranges = {
                check_tenant(name): IPv4Network(str(block)) for name, block in content["ranges"].items()
            }
        except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
            fix = "take the committed file back; only `python -m stacks.allocate` writes it"
            raise SpecError(str(path), [Problem(field="ranges", value=str(error), fix=fix)]) from error
        ledger = cls(ranges=ranges)
        ledger._refuse_overlaps(path)
        return ledger

    def _refuse_overlaps(self, path: Path) -> None:
        tenants = sorted(self.ranges, key=lambda tenant: self.ranges[tenant])
        for one, other in pairwise(tenants):
            if self.ranges[one].overlaps(self.ranges[other]):
                value = f"{self.ranges[one]} and {self.ranges[other]}"
                problem = Problem(
                    field=f"ranges.{other}", value=value, fix=f"overlaps {one}'s; restore the file"
                )
                raise SpecError(str(path), [problem])

    def holder_of(self, block: IPv4Network, *, but: str) -> str | None:
        """The tenant other than `but` whose range overlaps `block`."""
        return next(
            (name for name, held in self.ranges.items() if name != but and held.overlaps(block)), None
        )

    def allocated(self, tenant: str) -> "Ledger":
        """With a range for `tenant`: the pool's first free one, or the one that it has already.

        Raises NameRefusedError; SpecError when the pool is used up.
        """
        check_tenant(tenant)
        if tenant in self.ranges:
            return self
        taken = tuple(self.ranges.values())
        for block in POOL.subnets(new_prefix=PREFIX):
            if not any(block.overlaps(held) for held in taken):
                return Ledger(ranges={**self.ranges, tenant: block})
        problem = Problem(
            field="ip_range", value=f"{len(taken)} ranges given", fix=f"{POOL} is full; widen POOL"
        )
        raise SpecError(f"tenant {tenant}", [problem])

    def as_yaml(self) -> str:
        """What the file holds, in the order that the ranges were given in."""
        entries = {"ranges": {tenant: str(block) for tenant, block in self.ranges.items()}}
        return _HEADER + yaml.safe_dump(entries, sort_keys=False)


def allocate(tenant: str, path: Path = LEDGER) -> IPv4Network:
    """The tenant's range, given now if it has none; safe against other allocations and against interruption.

    Raises NameRefusedError, SpecError; OSError when the folder can't be written.
    """
    with _locked(path.parent):
        before = Ledger.read(path)
        after = before.allocated(tenant)
        if after is not before:
            _replace(path, after.as_yaml())
    return after.ranges[tenant]


def range_of(tenant: str, wanted: IPv4Network | None, addresses: int, ledger: Ledger) -> IPv4Network:
    """The range of a tenant that needs so many addresses: the ledger's, or the one that its spec asks for.

    Raises SpecError: no range, two different ones, one that is too small, reserved, or overlaps another
    tenant's.
    """
    recorded = ledger.ranges.get(tenant)
    block = wanted or recorded
    if block is None:
        fix = f"allocate one: python -m stacks.allocate {tenant}"
        raise SpecError(f"tenant {tenant}", [Problem(field="ip_range", value="nothing", fix=fix)])
    problems = [
        Problem(field="ip_range", value=str(block), fix=fix)
        for fix in _objections(tenant, block, recorded, addresses, ledger)
    ]
    if problems:
        raise SpecError(f"tenant {tenant}", problems)
    return block


def _objections(
    tenant: str, block: IPv4Network, recorded: IPv4Network | None, addresses: int, ledger: Ledger
) -> Iterator[str]:
    if recorded and block != recorded:
        yield f"the ledger gave {recorded} and ranges never move; write that, or leave the field out"
    if holder := ledger.holder_of(block, but=tenant):
        held = ledger.ranges[holder]
        yield f"overlaps {held}, which is {holder}'s; leave the field out and run python -m stacks.allocate"
    if objection := shape_objection(block):
        yield objection
    elif (needed := addresses + RESERVED_ADDRESSES) > block.num_addresses:
        yield f"too small: {needed} addresses are needed and it has {block.num_addresses}; take a larger one"


def shape_objection(block: IPv4Network) -> str | None:
    """Why a range can't be a VPC's at all, with what to write instead; None when it can."""
    if not LARGEST_PREFIX <= block.prefixlen <= SMALLEST_PREFIX:
        return f"DigitalOcean takes /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}; write such a range"
    if not any(block.subnet_of(private) for private in PRIVATE):
        return f"not a private range (RFC 1918); choose one inside {POOL}"
    if clash := next((reserved for reserved in RESERVED if reserved.overlaps(block)), None):
        return f"overlaps {clash}, which DigitalOcean reserves; choose one inside {POOL}"
    return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder's lock: the ledger itself gets replaced, so a lock on it would guard the old file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
