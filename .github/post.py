#!/usr/bin/env python3
"""Posts what a command wrote: all that workflows do besides running commands.

    .github/post.py comment NUMBER FILE    a pull request's one comment: edited in place, or added
    .github/post.py issue TITLE FILE       the one open issue of its kind: edited in place, or opened
    .github/post.py close FILE             edits it a last time and closes it, if there is one

A file begins with a hidden marker, by which what was posted before is found again. Needs GitHub's program
`gh`, and in the environment GH_TOKEN and GITHUB_REPOSITORY.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

WRITER = "github-actions[bot]"
"""Whose posts are edited: anybody may write a marker."""


def gh(method: str, path: str, fields: dict[str, str] | None = None) -> Any:
    """Asks GitHub's API; all pages of a list. Raises CalledProcessError."""
    command = ["gh", "api", "--method", method, f"repos/{os.environ['GITHUB_REPOSITORY']}/{path}"]
    command += ["--paginate", "--slurp"] if method == "GET" else ["--input", "-"]
    given = json.dumps(fields) if fields else None
    answer = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(answer.stdout)


def marker_of(text: str) -> str:
    """The file's first line. Raises SystemExit when it is no hidden marker."""
    first = text.partition("\n")[0].strip()
    if not re.fullmatch(r"<!-- [a-z-]+ -->", first):
        sys.exit(
            "the file doesn't begin with a marker, `<!-- name -->`: give what stacks.preview or drift wrote"
        )
    return first


def ours(posts: Sequence[Sequence[dict[str, Any]]], marker: str) -> Iterator[dict[str, Any]]:
    """What we posted with this marker, of all pages."""
    for post in (post for page in posts for post in page):
        text = (post.get("body") or "").partition("\n")[0].strip()
        if text == marker and post["user"]["login"] == WRITER and "pull_request" not in post:
            yield post


def comment(number: str, text: str) -> None:
    """One comment on a pull request."""
    comments = gh("GET", f"issues/{int(number)}/comments?per_page=100")
    found = next(ours(comments, marker_of(text)), None)
    if found:
        gh("PATCH", f"issues/comments/{found['id']}", {"body": text})
    else:
        gh("POST", f"issues/{int(number)}/comments", {"body": text})


def issue(title: str, text: str) -> None:
    """One open issue."""
    found = next(ours(gh("GET", "issues?state=open&per_page=100"), marker_of(text)), None)
    if found:
        gh("PATCH", f"issues/{found['number']}", {"body": text})
    else:
        gh("POST", "issues", {"title": title, "body": text})


def close(text: str) -> None:
    """The issue, when there is nothing to say any more."""
    for found in ours(gh("GET", "issues?state=open&per_page=100"), marker_of(text)):
        gh("PATCH", f"issues/{found['number']}", {"body": text, "state": "closed"})


def main(arguments: Sequence[str]) -> None:
    """Posts; exits with what is wrong when it can't."""
    match arguments:
        case ["comment", number, file]:
            comment(number, Path(file).read_text())
        case ["issue", title, file]:
            issue(title, Path(file).read_text())
        case ["close", file]:
            close(Path(file).read_text())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
