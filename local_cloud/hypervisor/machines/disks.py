"""A machine's disk: an overlay of its own changes over an image that all machines share.

The size of a disk is not enforced: an overlay has none of its own, and what it holds is in the state
directory's file system.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from local_cloud.hypervisor.model import HypervisorError
from local_cloud.hypervisor.namespaces import run


class Disk:
    """`directory` holds `upper` (what outlives everything), `work` and the mount point `root`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def root(self) -> Path:
        """Where the machine's file tree is mounted."""
        return self._directory / "root"

    @property
    def upper(self) -> Path:
        """What the machine has changed, as a tree."""
        return self._directory / "upper"

    @property
    def exists(self) -> bool:
        return self.upper.is_dir()

    def format(self, plant: Callable[[Path], None]) -> None:
        """Back to the bare image, with what `plant` writes into the empty tree that it is given.

        The disk has its name only once it is whole, so that an interrupted start is begun again.
        Raises HypervisorError while the disk is mounted.
        """
        if self.root.is_mount():
            raise HypervisorError(f"disk {self.root} is mounted and can't be wiped: stop its machine first")
        partial = self._directory / "upper.partial"
        for tree in (partial, self.upper):
            shutil.rmtree(tree, ignore_errors=True)
        partial.mkdir(parents=True)
        partial.chmod(0o755)  # it becomes the machine's /
        plant(partial)
        partial.rename(self.upper)

    def mount(self, image: Path) -> None:
        """Mount the changes over the image's tree. Raises HypervisorError when it can't be done."""
        if self.root.is_mount():
            return
        # A crash leaves files in `work` that mean nothing any more.
        shutil.rmtree(self._directory / "work", ignore_errors=True)
        for part in (self._directory / "work", self.root):
            part.mkdir(parents=True, exist_ok=True)
        mount_overlay(self.root, [image], upper=self.upper, work=self._directory / "work")

    def unmount(self) -> None:
        unmount(self.root)

    def delete(self) -> None:
        """Remove everything. Raises HypervisorError when the tree can't be removed."""
        self.unmount()
        try:
            shutil.rmtree(self._directory)
        except FileNotFoundError:
            return
        except OSError as error:
            raise HypervisorError(f"disk {self._directory} can't be removed: {error}") from error


def mount_overlay(
    target: Path, lower: Sequence[Path], *, upper: Path | None = None, work: Path | None = None
) -> None:
    """Mount the trees `lower`, the first on top, at `target`; read-only without an upper one."""
    layers = [*lower, *(path for path in (upper, work) if path is not None)]
    for path in layers:
        if set(os.fspath(path)) & set(":,\\"):
            raise HypervisorError(f"an overlay can't use {path}: choose a path without , : or \\")
        if not path.is_dir():
            raise HypervisorError(
                f"there is no directory {path} to make a disk of: run `python -m toolchain`"
            )
    options = [f"lowerdir={':'.join(map(str, lower))}"]
    if upper is not None:
        options += [f"upperdir={upper}", f"workdir={work}"]
    run("mount", "-t", "overlay", "-o", ",".join(options), "overlay", str(target))


def unmount(target: Path) -> None:
    """Unmount what is at `target`, if anything is."""
    if target.is_mount():
        run("umount", str(target))
