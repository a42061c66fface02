"""Allocation, ports and pages: what must hold for every input."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import URL

from local_cloud.digitalocean.addresses import (
    PUBLIC_RANGE,
    RangeExhaustedError,
    allocate_address,
    allocate_range,
    gateway_of,
    mac_of,
)
from local_cloud.digitalocean.pagination import paginate
from local_cloud.digitalocean.policies import parse_ports

networks = st.builds(
    lambda number, prefix: IPv4Network((number, prefix), strict=False),
    st.integers(int(IPv4Address("10.0.0.0")), int(IPv4Address("10.255.255.255"))),
    st.integers(24, 28),
)


@given(networks, st.data())
def test_an_allocated_address_is_free_and_fit_for_a_host(network: IPv4Network, data: st.DataObject) -> None:
    hosts = list(network.hosts())
    taken = data.draw(st.sets(st.sampled_from(hosts), max_size=len(hosts) - 2))
    try:
        address = allocate_address(network, taken)
    except RangeExhaustedError:
        assert set(hosts) - {gateway_of(network)} <= taken, "it gives up only when every address is taken"
        return
    assert address in hosts
    assert address not in taken
    assert address != gateway_of(network), "the gateway's address is the gateway's"


@given(networks, st.lists(st.booleans(), max_size=60))
def test_no_address_has_two_holders_whatever_comes_and_goes(network: IPv4Network, steps: list[bool]) -> None:
    held: list[IPv4Address] = []
    for take in steps:
        if take:
            try:
                held.append(allocate_address(network, held))
            except RangeExhaustedError:
                assert len(held) == network.num_addresses - 3, "all but network, gateway and broadcast"
        elif held:
            held.pop(0)
        assert len(held) == len(set(held))


@given(
    st.lists(st.builds(IPv4Network, st.sampled_from([f"10.{n}.0.0/16" for n in range(90, 130)])), max_size=40)
)
def test_a_generated_range_overlaps_no_other(taken: list[IPv4Network]) -> None:
    try:
        found = allocate_range(taken)
    except RangeExhaustedError:
        assert {f"10.{n}.0.0/16" for n in range(96, 128)} <= {str(one) for one in taken}
        return
    assert found.prefixlen == 20
    assert not any(found.overlaps(one) for one in taken)


def test_public_addresses_are_nobody_s() -> None:
    assert PUBLIC_RANGE.subnet_of(IPv4Network("198.18.0.0/15")), "RFC 2544 sets it aside"


@given(st.sets(st.tuples(st.integers(1, 10**9), st.sampled_from(["public", "vpc-1", "vpc-2"])), max_size=50))
def test_cards_have_unicast_addresses_of_their_own(cards: set[tuple[int, str]]) -> None:
    macs = {mac_of(f"droplet:{number}", network) for number, network in cards}
    assert len(macs) == len(cards)
    assert all(mac.startswith("02:") for mac in macs), "locally administered, unicast"


@given(st.integers(1, 65535), st.integers(1, 65535))
def test_ports_are_read_as_they_are_written(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert parse_ports(str(one)) == (one, one)
    assert parse_ports(f"{low}-{high}") == (low, high)
    assert parse_ports("all") is parse_ports("0") is None


@pytest.mark.parametrize("text", ["x", "1-", "-1", "2-1", "65536", "1-65536", "1-2-3", "-", "1.5"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_ports(text)


@given(st.integers(0, 300), st.integers(1, 250))
def test_pages_hold_every_row_once_and_in_order(total: int, per_page: int) -> None:
    rows, seen = list(range(total)), []
    url: URL | None = URL(f"http://x/v2/things?per_page={per_page}")
    while url is not None:
        page = paginate(url, "things", rows, lambda row: row)
        seen += page["things"]
        following = page["links"]["pages"].get("next")
        url = URL(following) if following else None
    assert seen == rows
