from pathlib import Path
from typing import Any

import pytest

from local_cloud.commands import inside
from local_cloud.commands.inside import DropletError, find_droplet

MACHINES: list[dict[str, Any]] = [
    {"id": 1, "name": "web", "leader": 100, "status": "active"},
    {"id": 2, "name": "twin", "leader": 101, "status": "active"},
    {"id": 3, "name": "twin", "leader": 102, "status": "active"},
    {"id": 4, "name": "asleep", "leader": None, "status": "off"},
]


@pytest.mark.parametrize("wanted", ["web", "1"])
def test_a_droplet_is_found_by_name_or_id(wanted: str) -> None:
    assert find_droplet(MACHINES, wanted)["leader"] == 100


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("nope", "there is no droplet 'nope'; there are: asleep, twin, twin, web"),
        ("twin", "2 droplets are named 'twin': give an id, one of 2, 3"),
        ("asleep", "droplet 'asleep' is off: power it on first"),
    ],
)
def test_what_can_t_be_entered_is_explained(wanted: str, message: str) -> None:
    with pytest.raises(DropletError, match=message):
        find_droplet(MACHINES, wanted)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["exec", "--", "ls", "-l"], ("exec", ["ls", "-l"])),
        (["exec", "ls", "--", "-l"], ("exec", ["ls", "--", "-l"])),
        (["console", "web"], ("console", "web", [])),
        (["console", "web", "--", "ls", "--", "x"], ("console", "web", ["ls", "--", "x"])),
        (["exec"], None),
        (["exec", "--help"], None),
        (["console", "--help"], None),
        (["up"], None),
        ([], None),
    ],
)
def test_the_short_way_takes_what_is_plain_and_leaves_the_rest(
    arguments: list[str], expected: tuple[object, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[object, ...]] = []

    def execute(_: Path, command: list[str]) -> None:
        taken.append(("exec", command))

    def console(_: Path, droplet: str, command: list[str]) -> None:
        taken.append(("console", droplet, command))

    monkeypatch.setattr(inside, "execute", execute)
    monkeypatch.setattr(inside, "console", console)
    inside.run(arguments)
    assert taken == ([] if expected is None else [expected])
