"""Debian's packages: on this machine, what is missing; for the images, this machine's own mirror."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolchain.errors import ToolchainError
from toolchain.workshop import Workshop

SUITE = "bookworm"
MIRROR_VARIABLE = "TENANTRY_DEBIAN_MIRROR"
SOURCES = Path("/etc/apt")

PROGRAMS = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nft": "nftables",
    "systemd-nspawn": "systemd-container",
    "tini": "tini",
    "mkfs.ext4": "e2fsprogs",
    "losetup": "mount",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ping": "iputils-ping",
    "iptables": "iptables",
}
"""What the toolchain and the local cloud start on this machine, and the package of each."""


@dataclass(frozen=True)
class Source:
    """One place that apt takes packages from: one address, one suite."""

    address: str
    suite: str
    components: tuple[str, ...]

    def __str__(self) -> str:
        return f"deb {self.address} {self.suite} {' '.join(self.components)}".rstrip()


def parse_one_line(text: str) -> list[Source]:
    """The `deb` lines of a sources.list (sources.list(5)); options, comments and deb-src are left out."""
    sources = []
    for line in text.splitlines():
        bare = re.sub(r"\s#.*", "", line).strip()
        match = re.fullmatch(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)((?:\s+\S+)*)", bare)
        if match:
            sources.append(Source(match[1], match[2], tuple(match[3].split())))
    return sources


def parse_deb822(text: str) -> list[Source]:
    """The enabled `deb` stanzas of a .sources file (sources.list(5), DEB822-STYLE FORMAT)."""
    sources = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        components = tuple(fields.get("components", []))
        sources += [
            Source(address, suite, components)
            for address in fields.get("uris", [])
            for suite in fields.get("suites", [])
        ]
    return sources


def _fields(stanza: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            fields.setdefault(name, []).extend(line.split())
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.split()
    return fields


def machine_sources(folder: Path = SOURCES) -> list[Source]:
    """Everything that this machine's apt takes packages from."""
    lists = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]
    found = [source for path in lists if path.is_file() for source in parse_one_line(path.read_text())]
    for path in sorted(folder.glob("sources.list.d/*.sources")):
        found += parse_deb822(path.read_text())
    return found


def image_sources(machine: Iterable[Source], environment: Mapping[str, str]) -> list[Source]:
    """Where the images' packages come from: Debian 12 itself first, then its updates and security suites.

    $TENANTRY_DEBIAN_MIRROR names the mirror of Debian itself; else this machine's own is taken, so that
    a machine with a mirror of its own needs no settings. A suite that it lacks is left out.
    Raises ToolchainError when no mirror of Debian is known.
    """
    debian = {source.suite: source for source in reversed(list(machine)) if "main" in source.components}
    chosen = environment.get(MIRROR_VARIABLE) or getattr(debian.get(SUITE), "address", None)
    if not chosen:
        raise ToolchainError(
            f"apt on this machine has no source of Debian 12 ({SUITE} main): "
            f"set {MIRROR_VARIABLE} to the address of a Debian mirror"
        )
    others = [debian[suite] for suite in (f"{SUITE}-updates", f"{SUITE}-security") if suite in debian]
    return [Source(chosen, SUITE, ("main",)), *(Source(s.address, s.suite, ("main",)) for s in others)]


def missing_packages(programs: Mapping[str, str] = PROGRAMS) -> list[str]:
    """The packages of those programs that are not on PATH (nor in /sbin, which PATH may lack)."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return sorted({package for program, package in programs.items() if not shutil.which(program, path=path)})


def install(packages: list[str], workshop: Workshop, step: str) -> None:
    """Installs packages on this machine.

    Raises ToolchainError when the machine has no apt, CommandFailedError when apt fails.
    """
    if not shutil.which("apt-get"):
        raise ToolchainError(
            f"these are missing and apt-get is not here to install them: {', '.join(packages)}; "
            "install them with this machine's package manager"
        )
    apt = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300")
    environment = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    workshop.run(step, [*apt, "update"], environment=environment)
    workshop.run(step, [*apt, "install", "--no-install-recommends", *packages], environment=environment)
