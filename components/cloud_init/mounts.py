"""File systems of the kernel's, mounted as narrowly as a host of ours can do with.

A process sees no other account's processes and their arguments, and runs nothing from shared memory.
"""

from components.cloud_init.part import Part, Step

OPTIONS = {
    "/proc": ("proc", "nosuid,nodev,noexec,hidepid=invisible"),
    "/dev/shm": ("tmpfs", "nosuid,nodev,noexec"),  # noqa: S108 (it is named, not used)
}


def mounts() -> Part:
    """Lines of /etc/fstab, which is the image's: systemd-remount-fs follows them at later boots."""
    script = "\n".join(_mount(path, *how) for path, how in OPTIONS.items())
    return Part(steps=(Step(name="mounts", script=script),))


def _mount(path: str, kind: str, options: str) -> str:
    return (
        f"grep -q ' {path} ' /etc/fstab || echo '{kind} {path} {kind} {options} 0 0' >> /etc/fstab\n"
        f"mount -o remount,{options} {path}"
    )
