"""What workflows post, and what they edit: held against a `gh` that writes down what it was asked."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stacks.previewing import drifted, markdown

ROOT = Path(__file__).parents[1]
API = "repos/tenantry/tenantry"


class GitHub:
    """A `gh` that answers from a table and writes down what it was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        program = folder / "gh"
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, sys\n"
            "from pathlib import Path\n"
            f"folder = Path({str(folder)!r})\n"
            "_, _, method, path, *rest = sys.argv[1:]\n"
            "fields = json.load(sys.stdin) if method != 'GET' else None\n"
            "with (folder / 'asked').open('a') as asked:\n"
            "    asked.write(json.dumps([method, path, fields, rest]) + '\\n')\n"
            "print((folder / 'posts').read_text() if method == 'GET' else '{}')\n"
        )
        program.chmod(0o755)
        self.has()

    def has(self, *posts: dict[str, Any]) -> None:
        """One post a page."""
        (self._folder / "posts").write_text(json.dumps([[post] for post in posts]))

    def post(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self._folder}:{os.environ['PATH']}",
            "GITHUB_REPOSITORY": "tenantry/tenantry",
            "GH_TOKEN": "none",
        }
        return subprocess.run(
            [ROOT / ".github" / "post.py", *arguments],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )

    @property
    def changed(self) -> list[tuple[str, str, dict[str, str]]]:
        asked = [json.loads(line) for line in (self._folder / "asked").read_text().splitlines()]
        reads = [path for method, path, _, rest in asked if method == "GET" and "--paginate" in rest]
        assert len(reads) == 1, "all pages are looked through"
        return [(method, path, fields) for method, path, fields, _ in asked if method != "GET"]


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    return GitHub(tmp_path)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    def write(marker: str) -> str:
        path = tmp_path / "written.md"
        path.write_text(f"{marker}\n\nwhat it says\n")
        return str(path)

    return write


def said(number: int, marker: str, login: str = "github-actions[bot]", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "number": number,
        "user": {"login": login},
        "body": f"{marker}\r\nbefore",
        **more,
    }


def test_the_first_comment_is_added(github: GitHub, written: Callable[[str], str]) -> None:
    github.has(said(1, "somebody's own"), said(2, drifted.MARKER), said(3, markdown.MARKER, "mallory"))
    done = github.post("comment", "7", written(markdown.MARKER))
    assert done.returncode == 0, done.stderr
    ((method, path, fields),) = github.changed
    assert (method, path) == ("POST", f"{API}/issues/7/comments"), "nobody else's is touched"
    assert fields == {"body": f"{markdown.MARKER}\n\nwhat it says\n"}


def test_every_further_comment_edits_the_first(github: GitHub, written: Callable[[str], str]) -> None:
    github.has(said(1, "somebody's own"), said(2, markdown.MARKER))
    github.post("comment", "7", written(markdown.MARKER))
    ((method, path, _),) = github.changed
    assert (method, path) == ("PATCH", f"{API}/issues/comments/2"), "one comment for a pull request"


def test_an_issue_is_opened_once_and_then_edited(github: GitHub, written: Callable[[str], str]) -> None:
    github.has(said(4, drifted.MARKER, pull_request={}), said(5, drifted.MARKER))
    github.post("issue", "It differs", written(drifted.MARKER))
    assert github.changed == [
        ("PATCH", f"{API}/issues/5", {"body": f"{drifted.MARKER}\n\nwhat it says\n"})
    ], "a pull request is no issue, though GitHub lists it as one"


def test_the_first_issue_has_the_title(github: GitHub, written: Callable[[str], str]) -> None:
    github.post("issue", "It differs", written(drifted.MARKER))
    ((method, path, fields),) = github.changed
    assert (method, path, fields["title"]) == ("POST", f"{API}/issues", "It differs")


def test_an_issue_is_closed_when_nothing_differs_any_more(
    github: GitHub, written: Callable[[str], str]
) -> None:
    github.has(said(5, drifted.MARKER), said(6, "somebody's own"))
    github.post("close", written(drifted.MARKER))
    ((method, path, fields),) = github.changed
    assert (method, path, fields["state"]) == ("PATCH", f"{API}/issues/5", "closed")


@pytest.mark.parametrize("arguments", [("comment", "7"), ("issue",), (), ("shout", "FILE")])
def test_who_calls_it_wrongly_is_told_how(github: GitHub, arguments: tuple[str, ...]) -> None:
    done = github.post(*arguments)
    assert done.returncode == 1
    assert "post.py comment NUMBER FILE" in done.stderr


def test_a_file_without_a_marker_is_refused(github: GitHub, written: Callable[[str], str]) -> None:
    done = github.post("comment", "7", written("no marker"))
    assert done.returncode == 1
    assert "doesn't begin with a marker" in done.stderr, "it would be added again and again"
