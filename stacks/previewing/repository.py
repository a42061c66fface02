"""What a change is, asked of git: the files that differ from where it left the base branch."""

import subprocess
from pathlib import Path

from stacks.errors import RepositoryError


class Repository:
    """The clone. Paths are relative to it, also when it is a folder of a larger repository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def commit(self, name: str) -> str:
        """The commit that a branch, or another name, stands for. Raises RepositoryError."""
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found.returncode:
            msg = (
                f"there is no commit {name!r} in {self._folder}{_said(found)}: name the branch that the "
                "change is meant for, and fetch it first, for instance `git fetch origin main`"
            )
            raise RepositoryError(msg)
        return found.stdout.strip()

    def head(self, base: str) -> str:
        """The commit of the branch: of one that GitHub has merged with its base to try it, that before.

        Raises RepositoryError.
        """
        parents = self._git("rev-parse", "HEAD^@").stdout.split()
        return parents[1] if len(parents) == 2 and parents[0] == base else self.commit("HEAD")

    def merge_base(self, base: str) -> str:
        """The commit at which the working tree's branch left `base`. Raises RepositoryError."""
        shared = self._git("merge-base", self.commit(base), "HEAD")
        if shared.returncode:
            msg = (
                f"{base!r} and HEAD have no commit in common{_said(shared)}: fetch their whole history "
                "(`git fetch --unshallow`, in a workflow `fetch-depth: 0`)"
            )
            raise RepositoryError(msg)
        return shared.stdout.strip()

    def changed_since(self, commit: str) -> tuple[str, ...]:
        """Files that differ in the working tree: committed or not, new ones that git doesn't ignore, too.

        Of a renamed file both names. Raises RepositoryError.
        """
        options = ("--name-only", "--no-renames", "--no-ext-diff", "--relative", "-z")
        names = self._paths("diff", *options, commit, "--")
        return tuple(sorted({*names, *self._paths("ls-files", "--others", "--exclude-standard", "-z")}))

    def text_at(self, commit: str, path: str) -> str | None:
        """What a file held at a commit; None when it wasn't there."""
        shown = self._git("show", "--no-textconv", f"{commit}:./{path}")
        return None if shown.returncode else shown.stdout

    def _paths(self, *arguments: str) -> list[str]:
        listed = self._git(*arguments)
        if listed.returncode:
            msg = f"`git {arguments[0]}` failed in {self._folder}{_said(listed)}"
            raise RepositoryError(msg)
        return [path for path in listed.stdout.split("\0") if path]

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ("git", "-C", str(self._folder), *arguments)
        try:
            return subprocess.run(
                command, capture_output=True, text=True, errors="surrogateescape", check=False
            )
        except FileNotFoundError:
            raise RepositoryError("no `git` on PATH: install it, a change is found by it") from None


def _said(finished: subprocess.CompletedProcess[str]) -> str:
    said = " ".join(finished.stderr.split())
    return f" ({said})" if said else ""
