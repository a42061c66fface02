from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.cache import PARTIAL, Cache, Recipe, cache_directory
from toolchain.errors import ToolchainError

RECIPE = Recipe(name="thing", version="1.0")


def build_thing(target: Path) -> None:
    (target / "program").write_text("complete")


def test_an_entry_is_built_once_and_then_found(cache: Cache) -> None:
    built: list[Path] = []

    def build(target: Path) -> None:
        built.append(target)
        build_thing(target)

    first = cache.get(RECIPE, build)
    second = cache.get(RECIPE, build)

    assert first == second == cache.path(RECIPE), "the entry's place follows from its recipe alone"
    assert len(built) == 1, "the second time there was nothing to build"
    assert (first / "program").read_text() == "complete", "the entry holds what was built"


def test_an_entry_has_its_name_only_when_it_is_complete(cache: Cache) -> None:
    def build(target: Path) -> None:
        build_thing(target)
        assert not cache.has(RECIPE), "a half-built entry must not be taken for a complete one"

    cache.get(RECIPE, build)
    assert cache.has(RECIPE), "after the build it is there"


@pytest.mark.parametrize("error", [ToolchainError("no network"), KeyboardInterrupt(), OSError(28, "full")])
def test_a_failed_build_leaves_nothing_behind(cache: Cache, error: BaseException) -> None:
    def build(target: Path) -> None:
        build_thing(target)
        raise error

    with pytest.raises(type(error)):
        cache.get(RECIPE, build)

    assert not cache.has(RECIPE), "a failed build is no entry"
    assert not list(cache.root.glob("*" + PARTIAL)), "and its leftovers are removed"


def test_what_a_dead_builder_left_is_not_used(cache: Cache) -> None:
    leftover = cache.root / (RECIPE.key + PARTIAL)
    leftover.mkdir(parents=True)
    (leftover / "half").write_text("half")

    entry = cache.get(RECIPE, build_thing)

    assert not (entry / "half").exists(), "the new build starts from nothing"
    assert not leftover.exists(), "the leftover has gone"


def test_leftovers_of_dead_builders_are_removed_and_those_of_live_ones_kept(cache: Cache) -> None:
    dead = cache.root / f"old-0.9-abc{PARTIAL}"
    dead.mkdir(parents=True)
    live = cache.root / f"new-1.1-def{PARTIAL}"
    live.mkdir()

    with cache.lock("new-1.1-def"):
        removed = cache.remove_leftovers()

    assert removed == ["old-0.9-abc"], "only the one whose lock nobody holds"
    assert not dead.exists(), "it has gone"
    assert live.exists(), "a builder that holds its lock is alive, however old its directory"


def test_a_killed_builder_leaves_no_entry_and_no_lock(cache: Cache) -> None:
    code = (
        "import pathlib, sys, time\n"
        "from toolchain.cache import Cache, Recipe\n"
        "def build(target):\n"
        "    (target / 'half').write_text('half')\n"
        "    print('building', flush=True)\n"
        "    time.sleep(60)\n"
        "Cache(pathlib.Path(sys.argv[1])).get(Recipe(name='thing', version='1.0'), build)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, cache.root], stdout=subprocess.PIPE) as builder:
        assert builder.stdout is not None, "its output is a pipe"
        assert builder.stdout.readline() == b"building\n", "it has begun"
        builder.send_signal(signal.SIGKILL)

    assert not cache.has(RECIPE), "half a program is never used"
    entry = cache.get(RECIPE, build_thing)
    assert [path.name for path in entry.iterdir()] == ["program"], "the next run builds it anew, at once"


def test_two_runs_at_once_build_an_entry_once(cache: Cache) -> None:
    begun, go_on = threading.Event(), threading.Event()
    said: list[str] = []

    def slow(target: Path) -> None:
        begun.set()
        assert go_on.wait(10), "the test lets it go on"
        build_thing(target)

    def forbidden(_: Path) -> None:
        raise AssertionError("the second run must wait for the first and use its entry")

    def waiting(line: str) -> None:
        said.append(line)
        go_on.set()

    first = threading.Thread(target=cache.get, args=(RECIPE, slow))
    first.start()
    assert begun.wait(10), "the first run has the lock"
    entry = cache.get(RECIPE, forbidden, waiting=waiting)
    first.join()

    assert (entry / "program").exists(), "the second run got the first one's entry"
    assert said == [f"waiting for another run that is making {RECIPE.key}"], "and said why it waited"


def test_a_file_of_the_recipe_that_changes_makes_another_entry(tmp_path: Path) -> None:
    (tmp_path / "script.sh").write_text("one")
    before = Recipe(name="image", version="12", folder=tmp_path).key
    (tmp_path / "script.sh").write_text("two")
    after = Recipe(name="image", version="12", folder=tmp_path).key

    assert before != after, "the key holds a digest of the recipe's files"
    assert after.startswith("image-12-"), "and begins with name and version, for people"


texts = st.text(max_size=20)


@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4))
def test_recipes_have_the_same_key_only_when_they_are_the_same(left: list[str], right: list[str]) -> None:
    keys = [Recipe(name="x", version="1", inputs=tuple(inputs)).key for inputs in (left, right)]
    assert (keys[0] == keys[1]) == (left == right), "inputs are kept apart: ['ab'] is not ['a', 'b']"


def test_the_cache_is_where_the_environment_says() -> None:
    both = {"TENANTRY_CACHE": "/data/cache", "XDG_CACHE_HOME": "/home/x/.cache"}
    assert cache_directory(both) == Path("/data/cache"), "the project's own variable is the first"
    del both["TENANTRY_CACHE"]
    assert cache_directory(both) == Path("/home/x/.cache/tenantry"), "then the XDG base directory"
    assert cache_directory({}) == Path.home() / ".cache" / "tenantry", "then its default"


def test_a_relative_cache_is_refused_by_name() -> None:
    with pytest.raises(ToolchainError, match=r"TENANTRY_CACHE is 'cache': set it to an absolute path"):
        cache_directory({"TENANTRY_CACHE": "cache"})
