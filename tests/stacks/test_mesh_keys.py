"""Which keys to the mesh an update replaces."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from stacks.mesh_keys import options_for, spent
from stacks.project import Project
from stacks.resource_types import DROPLET, TAILNET_KEY

URN = f"urn:pulumi:acme::tenantry::tenantry:index:HardenedHost${TAILNET_KEY}::acme-agent-a-1-mesh-key"


def a_key(**changes: Any) -> dict[str, Any]:
    return {"urn": URN, "type": TAILNET_KEY, **changes}


def a_droplet(*dependencies: str) -> dict[str, Any]:
    return {"urn": "urn:droplet", "type": DROPLET, "dependencies": list(dependencies)}


def test_a_key_without_its_droplet_is_spent() -> None:
    assert list(spent([a_key()])) == [URN], "a droplet made with it might never join"


def test_a_key_that_a_droplet_was_made_with_is_left_alone() -> None:
    assert not list(spent([a_key(), a_droplet(URN)])), "replacing it would replace the droplet"


def test_another_droplet_s_key_counts_for_nothing() -> None:
    assert list(spent([a_key(), a_droplet("urn:another-key")])) == [URN]


def test_a_key_that_waits_for_its_deletion_is_left_to_it() -> None:
    assert not list(spent([a_key(delete=True)]))


class Exporting:
    """An engine that can only export."""

    def __init__(self, resources: list[dict[str, Any]] | None) -> None:
        self._resources = resources
        self.asked = 0

    async def export(self, _tenant: str) -> dict[str, Any] | None:
        self.asked += 1
        return None if self._resources is None else {"deployment": {"resources": self._resources}}


def _options(engine: Exporting, project: Project) -> tuple[str, ...]:
    return asyncio.run(options_for(engine, project, "acme"))  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: tenantry\n")
    return Project(clone=tmp_path, specs=tmp_path, folder=tmp_path)


def test_the_state_in_a_folder_is_read_without_the_engine(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    file = tmp_path / ".pulumi" / "stacks" / "tenantry" / "acme.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"checkpoint": {"latest": {"resources": [a_key()]}}}))
    engine = Exporting(None)
    assert _options(engine, project) == (f"--replace={URN}",)
    assert not engine.asked, "an update that changes nothing stays quick"


def test_a_stack_that_has_never_come_up_has_no_spent_keys(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    engine = Exporting(None)
    assert _options(engine, project) == ()
    assert not engine.asked, "there is nothing to ask for"


def test_a_compressed_state_is_asked_of_the_engine(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    file = tmp_path / ".pulumi" / "stacks" / "tenantry" / "acme.json.gz"
    file.parent.mkdir(parents=True)
    file.touch()
    assert _options(Exporting([a_key()]), project) == (f"--replace={URN}",)


def test_the_state_of_another_backend_is_asked_of_the_engine(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    assert _options(Exporting([a_key()]), project) == (f"--replace={URN}",)
