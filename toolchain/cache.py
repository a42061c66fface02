"""The cache: what was built once, for every clone on this machine.

An entry is a directory named `<name>-<version>-<digest of its recipe>`. It is built beside its place as
`<entry>.partial` and gets its name by one rename, after everything in it was written to disk: an entry
that has its name is complete. The builder holds the entry's lock; the kernel releases it when the
builder dies, so whoever gets the lock and finds a `.partial` knows that its builder is dead.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout

from toolchain.errors import ToolchainError

CACHE_VARIABLE = "TENANTRY_CACHE"
PARTIAL = ".partial"


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Where the cache is: $TENANTRY_CACHE, else $XDG_CACHE_HOME/tenantry, else ~/.cache/tenantry.

    Raises ToolchainError for a path that is not absolute: it would be another cache in every folder.
    """
    for variable, below in ((CACHE_VARIABLE, ""), ("XDG_CACHE_HOME", "tenantry")):
        value = environment.get(variable)
        if value:
            if not Path(value).is_absolute():
                raise ToolchainError(f"{variable} is {value!r}: set it to an absolute path, or unset it")
            return Path(value) / below
    return Path.home() / ".cache" / "tenantry"


def ignore(_: str) -> None:
    """Takes a message that nobody wants to see."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What an entry is made from; a change of any part of it makes another entry.

    `folder` holds the files that the build uses, `inputs` everything else that its result depends on.
    """

    name: str
    version: str
    folder: Path | None = None
    inputs: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        digest = hashlib.sha256()
        for part in (self.name, self.version, *self.inputs, *_contents(self.folder)):
            data = part if isinstance(part, bytes) else part.encode()
            digest.update(len(data).to_bytes(8, "big") + data)
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


def _contents(folder: Path | None) -> Iterator[str | bytes]:
    if folder is None:
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()
            yield path.read_bytes()


class Cache:
    """Complete entries, and the building of missing ones, safe against a crash and a second run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, recipe: Recipe) -> Path:
        return self.root / recipe.key

    def has(self, recipe: Recipe) -> bool:
        return self.path(recipe).is_dir()

    def get(
        self, recipe: Recipe, build: Callable[[Path], None], *, waiting: Callable[[str], None] = ignore
    ) -> Path:
        """The entry, built by `build(empty directory)` if it is missing.

        `waiting` is told when another run holds the lock. What `build` raises goes through, after
        everything half-made was removed.
        """
        entry = self.path(recipe)
        if entry.is_dir():
            return entry
        with self.lock(recipe.key, waiting=waiting):
            if not entry.is_dir():
                self._build(entry, build)
        return entry

    @contextmanager
    def lock(self, name: str, *, waiting: Callable[[str], None] = ignore) -> Iterator[None]:
        """The lock of that name, among all runs on this machine; waits for as long as another has it."""
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{name}.lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting(f"waiting for another run that is making {name}")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _build(self, entry: Path, build: Callable[[Path], None]) -> None:
        partial = entry.with_name(entry.name + PARTIAL)
        remove_tree(partial)
        partial.mkdir(parents=True)
        try:
            build(partial)
            _write_to_disk(partial)
            partial.rename(entry)
            _write_to_disk(entry.parent)
        except BaseException:
            with suppress(OSError):
                remove_tree(partial)
            raise

    def remove_leftovers(self) -> list[str]:
        """Removes every `.partial` whose builder is dead, also of recipes of other versions."""
        removed = []
        for partial in self.root.glob(f"*{PARTIAL}"):
            name = partial.name.removesuffix(PARTIAL)
            lock = FileLock(self.root / "locks" / f"{name}.lock", thread_local=False)
            with suppress(Timeout), lock.acquire(timeout=0):
                remove_tree(partial)
                removed.append(name)
        return removed


def remove_tree(path: Path) -> None:
    """Removes a directory if it is there.

    Raises ToolchainError when something is still mounted below it, rather than empty what is mounted.
    """
    if not path.exists():
        return
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    below = [mount for mount in mounts if Path(mount).is_relative_to(path)]
    if below:
        raise ToolchainError(f"{below[0]} is still mounted below {path}: unmount it, then try again")
    shutil.rmtree(path)


def _write_to_disk(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # One syncfs(2) instead of an fsync for each of an image's 20,000 files.
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(descriptor)
