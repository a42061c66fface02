"""What git says of a change; the repositories are real ones."""

import subprocess
from pathlib import Path

import pytest

from stacks.errors import RepositoryError
from stacks.previewing.repository import Repository

WHO = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(("git", "-C", str(folder), *WHO, *arguments), check=True, capture_output=True)


def _write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """`main` has moved on since the branch left it."""
    _git(tmp_path, "init", "-q", "-b", "main")
    _write(tmp_path, kept="1", changed="1", renamed="a long enough text\n" * 9, gone="1", old="1")
    _write(tmp_path, **{".gitignore": "ignored\n"})
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "commit", "-qm", "one")
    _git(tmp_path, "checkout", "-qb", "change")
    _git(tmp_path, "checkout", "-q", "main")
    _write(tmp_path, kept="2")
    _git(tmp_path, "commit", "-qam", "two")
    _git(tmp_path, "checkout", "-q", "change")
    return tmp_path


def _changed(clone: Path) -> tuple[str, ...]:
    repository = Repository(clone)
    return repository.changed_since(repository.merge_base("main"))


def test_what_changed_on_the_base_meanwhile_is_no_part_of_the_change(clone: Path) -> None:
    assert _changed(clone) == ()


def test_a_change_is_what_is_committed_and_what_is_not(clone: Path) -> None:
    _write(clone, changed="2")
    _git(clone, "commit", "-qam", "three")
    _git(clone, "mv", "renamed", "moved")
    (clone / "gone").unlink()
    _write(clone, **{"ünew\nfile": "1", "ignored": "1"})
    assert _changed(clone) == ("changed", "gone", "moved", "renamed", "ünew\nfile"), "a rename has two names"


def test_what_was_changed_back_is_no_change(clone: Path) -> None:
    _write(clone, changed="2")
    _git(clone, "commit", "-qam", "three")
    _write(clone, changed="1")
    assert _changed(clone) == ()


def test_a_clone_may_be_a_folder_of_a_larger_repository(clone: Path) -> None:
    inner = clone / "inner"
    inner.mkdir()
    _write(inner, file="1")
    _git(clone, "add", "-A")
    _git(clone, "commit", "-qm", "three")
    _write(inner, new="1")
    _write(clone, outside="1")
    repository = Repository(inner)
    assert repository.changed_since(repository.merge_base("main")) == ("file", "new")
    assert repository.text_at("HEAD", "file") == "1"


def test_a_file_s_text_is_that_of_the_commit(clone: Path) -> None:
    _write(clone, changed="2")
    assert Repository(clone).text_at("main", "changed") == "1"
    assert Repository(clone).text_at("main", "nowhere") is None


@pytest.mark.parametrize("base", ["origin/nowhere", "--all", ""])
def test_a_base_that_is_not_there_is_said_with_what_to_do(clone: Path, base: str) -> None:
    with pytest.raises(RepositoryError, match=r"no commit .*git fetch"):
        Repository(clone).merge_base(base)


def test_a_base_without_a_shared_history_is_said_with_what_to_do(clone: Path) -> None:
    _git(clone, "checkout", "-q", "--orphan", "other")
    _git(clone, "commit", "-qm", "alone")
    with pytest.raises(RepositoryError, match="fetch-depth: 0"):
        Repository(clone).merge_base("main")


def test_a_folder_that_is_no_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="not a git repository"):
        Repository(tmp_path).merge_base("main")


def test_a_commit_that_the_stacks_are_at_is_compared_with_itself(clone: Path) -> None:
    repository = Repository(clone)
    assert repository.changed_since(repository.commit("main")) == ("kept",), "also when HEAD is before it"
    with pytest.raises(RepositoryError, match=r"no commit 'nowhere'"):
        repository.commit("nowhere")


def test_the_head_of_what_github_has_merged_to_try_it_is_the_branch_s(clone: Path) -> None:
    repository = Repository(clone)
    _write(clone, changed="2")
    _git(clone, "commit", "-qam", "three")
    branch, base = repository.commit("HEAD"), repository.commit("main")
    assert repository.head(base) == branch
    _git(clone, "checkout", "-q", "--detach", "main")
    _git(clone, "merge", "-q", "--no-ff", "-m", "try", "change")
    assert repository.merge_base("main") == base
    assert repository.head(base) == branch
