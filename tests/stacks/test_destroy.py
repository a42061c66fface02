"""Tenants go before the platform; the engine's command line is a script that remembers what it was told."""

import asyncio
import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from stacks.destroy import destroy_all, resources
from stacks.engine import Engine
from stacks.errors import PlatformError
from stacks.operations import Progress, Result
from stacks.project import Project

FAKE = """
import json, sys
from pathlib import Path
folder = Path(__file__).parent
counts = {path.name: int(path.read_text()) for path in (folder / "counts").iterdir()}
words = sys.argv[1:]
if words[:2] == ["stack", "ls"]:
    listed = [{"name": name, "current": False, "resourceCount": count} for name, count in counts.items()]
    print(json.dumps(listed))
    sys.exit(0)
stack = words[words.index("--stack") + 1]
with (folder / "destroyed").open("a") as file:
    file.write(f"{stack}\\n")
if stack in json.loads((folder / "failing").read_text()):
    print("it failed", file=sys.stderr)
    sys.exit(1)
(folder / "counts" / stack).write_text("0")
print(json.dumps({"summaryEvent": {"resourceChanges": {"delete": 1}, "durationSeconds": 1, "result": "ok"}}))
"""


class Fake:
    """An engine with stacks of so many resources; `failing` ones can't be destroyed."""

    def __init__(self, folder: Path, *, failing: tuple[str, ...] = (), **counts: int) -> None:
        self._folder = folder
        (folder / "fake").write_text(FAKE)
        (folder / "counts").mkdir()
        for stack, count in counts.items():
            (folder / "counts" / stack).write_text(str(count))
        (folder / "failing").write_text(json.dumps(failing))
        project = Project(clone=folder, specs=folder, folder=folder)
        command = (sys.executable, str(folder / "fake"))
        self.engine = Engine(project, command=command, environment={"PATH": "/usr/bin:/bin"})

    @property
    def destroyed(self) -> list[str]:
        path = self._folder / "destroyed"
        return path.read_text().split() if path.exists() else []

    def destroy(self, *stacks: str) -> list[Result]:
        progress = Progress(Console(file=io.StringIO()), stacks)
        return asyncio.run(destroy_all(self.engine, stacks, progress))


def test_the_platform_goes_last(tmp_path: Path) -> None:
    fake = Fake(tmp_path, platform=31, acme=60, globex=40)
    results = fake.destroy("platform", "acme", "globex")
    assert fake.destroyed[-1] == "platform"
    assert sorted(fake.destroyed) == ["acme", "globex", "platform"]
    assert all(result.outcome.succeeded for result in results)


def test_a_platform_with_tenants_is_refused_before_anything_is_destroyed(tmp_path: Path) -> None:
    fake = Fake(tmp_path, platform=31, acme=60, globex=40)
    message = r"not destroyed.*resources: globex; .*`python -m stacks\.destroy globex platform`"
    with pytest.raises(PlatformError, match=message):
        fake.destroy("acme", "platform")
    assert fake.destroyed == [], "a refused command changes nothing"


def test_the_platform_stays_when_a_tenant_could_not_be_destroyed(tmp_path: Path) -> None:
    fake = Fake(tmp_path, failing=("acme",), platform=31, acme=60)
    results = fake.destroy("acme", "platform")
    assert fake.destroyed == ["acme"]
    assert [result.outcome.succeeded for result in results] == [False]


def test_an_empty_stack_of_a_tenant_does_not_hold_the_platform(tmp_path: Path) -> None:
    fake = Fake(tmp_path, platform=31, acme=0)
    fake.destroy("platform")
    assert fake.destroyed == ["platform"]


def test_tenants_go_without_the_platform(tmp_path: Path) -> None:
    fake = Fake(tmp_path, platform=31, acme=60, globex=40)
    fake.destroy("acme")
    assert fake.destroyed == ["acme"]
    assert asyncio.run(resources(fake.engine)) == {"platform": 31, "acme": 0, "globex": 40}
