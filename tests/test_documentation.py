"""The documents say what is there: a name that has gone, or a command that isn't, fails here."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
MAKE_TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def document(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", document.read_text(), re.MULTILINE))
    assert named <= MAKE_TARGETS, f"{document.name} names targets that the Makefile lacks"


def test_every_module_that_a_document_runs_exists(document: Path) -> None:
    modules = set(re.findall(r"python -m ([a-z_][a-z_.]*[a-z_])", document.read_text()))
    missing = {module for module in modules if importlib.util.find_spec(module) is None}
    assert not missing, f"{document.name} runs modules that can't be imported"


def test_every_relative_link_of_a_document_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    broken = [link for link in links if not (document.parent / link).exists()]
    assert not broken, f"{document.name} links to nothing"


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(), "add the version to CHANGELOG.md"


def test_the_readme_lists_every_make_target_a_user_needs() -> None:
    readme = (ROOT / "README.md").read_text()
    missing = [
        target
        for target in ("up", "down", "shell", "recover", "test", "check", "bench", "clean")
        if f"make {target}" not in readme
    ]
    assert not missing, "the README is for its user: these targets are not in it"


def test_no_document_carries_a_path_of_one_machine(document: Path) -> None:
    assert not re.findall(r"(?<!\w)/(?:root|work)/", document.read_text()), (
        "documents are read on other machines"
    )
