import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.naming import NameRefusedError
from stacks import addressing
from stacks.addressing import LEDGER, POOL, RESERVED, Ledger, allocate, range_of
from stacks.spec_errors import SpecError

tenants = st.lists(st.from_regex(r"t[a-z0-9]{1,8}", fullmatch=True), unique=True, max_size=30)
NONE = Ledger(ranges={})
ACME = Ledger(ranges={"acme": IPv4Network("10.32.0.0/24")})


def refusal(wanted: str | None, ledger: Ledger = ACME, tenant: str = "globex", addresses: int = 5) -> str:
    with pytest.raises(SpecError) as refused:
        range_of(tenant, IPv4Network(wanted) if wanted else None, addresses, ledger)
    return str(refused.value)


def grown(names: list[str]) -> Ledger:
    ledger = NONE
    for name in names:
        ledger = ledger.allocated(name)
    return ledger


@given(names=tenants)
def test_ranges_never_overlap(names: list[str]) -> None:
    for one, other in combinations(grown(names).ranges.values(), 2):
        assert not one.overlaps(other), f"{one} and {other}"


@given(names=tenants, more=tenants)
def test_a_range_once_given_never_moves(names: list[str], more: list[str]) -> None:
    before = grown(names)
    after = before
    for name in more + names:
        after = after.allocated(name)
    assert {name: after.ranges[name] for name in names} == dict(before.ranges)


@given(names=tenants)
@settings(max_examples=25)
def test_a_ledger_read_again_goes_on_where_it_was(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "addresses.yaml"
        for name in names:
            allocate(name, path)
        assert Ledger.read(path).ranges == grown(names).ranges, "reading in between changed what is given"
        assert [item.name for item in Path(folder).iterdir()] in (["addresses.yaml"], []), (
            "nothing is left behind"
        )


@given(st.sets(st.integers(0, 2**13 - 1), max_size=20))
def test_ranges_given_by_hand_are_gone_around(places: set[int]) -> None:
    blocks = list(POOL.subnets(new_prefix=24))
    ledger = Ledger(ranges={f"t{place}": blocks[place] for place in places}).allocated("newcomer")
    given_now = ledger.ranges["newcomer"]
    assert not any(given_now.overlaps(blocks[place]) for place in places)


def test_the_pool_is_clear_of_what_digitalocean_reserves() -> None:
    assert not any(POOL.overlaps(reserved) for reserved in RESERVED)


def test_a_pool_that_is_used_up_says_so() -> None:
    full = Ledger(ranges={"everybody": POOL})
    with pytest.raises(SpecError, match="is full"):
        full.allocated("acme")


def test_a_name_that_is_no_tenants_gets_no_range(tmp_path: Path) -> None:
    with pytest.raises(NameRefusedError):
        allocate("Acme!", tmp_path / "addresses.yaml")
    assert not list(tmp_path.iterdir())


def test_allocations_side_by_side_give_each_tenant_its_own(tmp_path: Path) -> None:
    path = tmp_path / "addresses.yaml"
    names = [f"tenant{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        given_ = list(pool.map(lambda name: allocate(name, path), names))
    assert len(set(given_)) == len(names), "two tenants got one range"
    assert set(Ledger.read(path).ranges) == set(names), "an entry was lost"


def test_an_interrupted_write_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "addresses.yaml"
    allocate("acme", path)
    before = path.read_text()

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(addressing.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        allocate("globex", path)
    assert path.read_text() == before
    assert [item.name for item in tmp_path.iterdir()] == ["addresses.yaml"]


def test_the_ledgers_range_is_used_and_may_be_written_in_the_spec_too() -> None:
    wanted = IPv4Network("10.32.0.0/24")
    assert range_of("acme", None, 5, ACME) == wanted
    assert range_of("acme", wanted, 5, ACME) == wanted


def test_a_range_of_its_own_is_used_when_the_ledger_has_none() -> None:
    assert range_of("globex", IPv4Network("172.20.0.0/24"), 5, ACME) == IPv4Network("172.20.0.0/24")


def test_no_range_at_all_is_refused_with_the_command_that_gives_one() -> None:
    assert "python -m stacks.allocate globex" in refusal(None)


def test_a_range_that_overlaps_is_refused_by_name() -> None:
    message = refusal("10.32.0.128/25")
    assert "overlaps 10.32.0.0/24, which is acme's" in message
    assert "ip_range: got 10.32.0.128/25" in message


def test_a_range_that_differs_from_the_ledgers_is_refused_because_ranges_never_move() -> None:
    assert "the ledger gave 10.32.0.0/24" in refusal("10.33.0.0/24", tenant="acme")


@pytest.mark.parametrize(("addresses", "fits"), [(11, True), (12, False)])
def test_a_range_must_hold_every_host_and_what_digitalocean_keeps(addresses: int, *, fits: bool) -> None:
    block = IPv4Network("10.33.0.0/28")
    if fits:
        assert range_of("acme", block, addresses, NONE) == block
    else:
        assert "too small: 17 addresses are needed and it has 16" in refusal(
            str(block), NONE, addresses=addresses
        )


@pytest.mark.parametrize(
    "text", ["[]", "ranges: [1]", "ranges: {acme: x}", "ranges: {'Bad!': 10.0.0.0/24}", "{"]
)
def test_a_ledger_that_is_no_ledger_is_refused_by_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "addresses.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match="take the committed file back"):
        Ledger.read(path)


def test_a_ledger_with_an_overlap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "addresses.yaml"
    path.write_text("ranges: {acme: 10.32.0.0/23, globex: 10.32.1.0/24}")
    with pytest.raises(SpecError, match=r"ranges\.globex.*overlaps acme's"):
        Ledger.read(path)


def test_the_committed_ledger_has_the_tenants_that_come_with_the_repo() -> None:
    ranges = Ledger.read(LEDGER).ranges
    assert ranges["acme"] == IPv4Network("10.32.0.0/24"), "an entry of the ledger never changes"
    assert ranges["globex"] == IPv4Network("10.32.1.0/24"), "an entry of the ledger never changes"


def test_the_command_gives_a_range_once_and_prints_it(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from stacks import addressing, allocate\n"
        f"addressing.LEDGER = pathlib.Path({str(tmp_path / 'addresses.yaml')!r})\n"
        "allocate.allocate(sys.argv[1])"
    )

    def run(tenant: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, tenant]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert run("acme").stdout == run("acme").stdout == "acme 10.32.0.0/24\n"
    assert run("initech").stdout == "initech 10.32.1.0/24\n"
    refused = run("No Tenant")
    assert refused.returncode == 2
    assert "nothing was allocated: 'No Tenant'" in refused.stderr
    assert "Traceback" not in refused.stderr
