"""Network namespaces: made, removed, worked in."""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyroute2 import IPRoute

from local_cloud.hypervisor.model import HypervisorError

DIRECTORY = Path("/run/netns")
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def path_of(name: str) -> Path:
    return DIRECTORY / name


def exists(name: str) -> bool:
    return path_of(name).exists()


def create(name: str) -> None:
    """An empty namespace with its loopback up and without IPv6; one that exists is left as it is."""
    if exists(name):
        return
    run("ip", "netns", "add", name)
    set_sysctls(name, {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
    with links(name) as ip:
        ip.link("set", ifname="lo", state="up")


def remove(name: str) -> None:
    """The name goes now; the namespace with its links goes when its last process has ended."""
    if exists(name):
        run("ip", "netns", "delete", name)


@contextmanager
def entered(name: str) -> Iterator[None]:
    """Let this thread work in the namespace: sockets it opens and programs it starts belong there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(name)
        try:
            yield
        finally:
            _set_namespace(home)
    finally:
        os.close(home)


def _enter(name: str) -> None:
    try:
        target = os.open(path_of(name), os.O_RDONLY)
    except FileNotFoundError:
        raise HypervisorError(f"network namespace {name} is not there: make it first") from None
    try:
        _set_namespace(target)
    finally:
        os.close(target)


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


@contextmanager
def links(name: str) -> Iterator[IPRoute]:
    """Netlink of the namespace: its links, addresses and routes."""
    with entered(name), IPRoute() as route:
        yield route


def set_sysctls(name: str, values: Mapping[str, int]) -> None:
    """Write kernel settings of the namespace, by their dotted names."""
    with entered(name):
        for key, value in values.items():
            Path("/proc/sys", *key.split(".")).write_text(str(value))


def apply_rules(name: str, script: str) -> None:
    """Load an nft script into the namespace: all of it, or nothing."""
    with entered(name):
        run("nft", "-f", "-", script=script)


def run(*command: str, script: str | None = None) -> None:
    """Run a system program. Raises HypervisorError with what it said when it fails."""
    result = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise HypervisorError(
            f"`{' '.join(command)}` failed with status {result.returncode}: {result.stderr.strip()}"
        )
