"""Puts this release in place: links it, writes its units, and starts again what has changed, nothing else.

A release is known by the digest of its file, which the settings name: a copy that broke off is refused, and
a rollback is the same with the file of before. The data volume stays unlocked meanwhile.
"""

import hashlib
import json
import shutil
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from agent_runtime.commands import CommandError, run
from agent_runtime.errors import InstallError
from agent_runtime.files import link, write, write_if_changed
from agent_runtime.identity import GROUP
from agent_runtime.places import Places
from agent_runtime.settings import Settings

ARCHIVE = "agent_runtime.pyz"
IDENTITY_UNIT, HOST_UNIT = "tenantry-identity.service", "tenantry-host.service"
GUARDRAIL_UNIT, VOLUME_UNIT = "tenantry-guardrail.service", "tenantry-volume.service"
ALL_UNITS = (IDENTITY_UNIT, HOST_UNIT, GUARDRAIL_UNIT, VOLUME_UNIT)
KEPT_RELEASES = 3
JOURNAL_NAME = "tenantry"
"""What all our services call themselves in the journal."""


def install(settings: Settings, places: Places, archive: Path) -> list[str]:
    """The units that were started again. Raises InstallError."""
    try:
        _put_in_place(settings, places, archive)
        _prepare(places)
        changed = _write_units(settings, places)
        return _start(settings, places, units_changed=changed)
    except CommandError as error:
        raise InstallError(f"release {settings.release[:12]} can't be installed: {error}") from error
    except OSError as error:
        raise InstallError(
            f"release {settings.release[:12]} can't be installed: {error}; is the disk full?"
        ) from error


def units_of(settings: Settings) -> tuple[str, ...]:
    """The units that a host of these settings has."""
    units = [IDENTITY_UNIT, HOST_UNIT]
    if settings.tier == "guardrail":
        units.append(GUARDRAIL_UNIT)
    if settings.volume is not None:
        units.append(VOLUME_UNIT)
    return tuple(units)


def start_enrolled(settings: Settings) -> None:
    """Start what waited for an identity, and what used the one from before. Raises InstallError."""
    try:
        _restart(settings)
        if settings.volume is not None:
            run("systemctl", "start", VOLUME_UNIT)
    except CommandError as error:
        raise InstallError(
            f"{settings.host} is enrolled, but a service doesn't start: {_why(error)}"
        ) from error


def _put_in_place(settings: Settings, places: Places, archive: Path) -> None:
    content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != settings.release:
        raise InstallError(
            f"{archive} has digest {digest[:12]}, the settings name {settings.release[:12]}: the copy broke "
            "off or is of another release; deliver it again with `pulumi up`"
        )
    target = places.releases / digest / ARCHIVE
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_if_changed(target, content)
    target.parent.touch()
    link(places.current, target.parent)
    _forget_old(places, target.parent)


def _forget_old(places: Places, current: Path) -> None:
    others = [folder for folder in places.releases.iterdir() if folder != current]
    others.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in others[KEPT_RELEASES - 1 :]:
        shutil.rmtree(folder)


def _prepare(places: Places) -> None:
    """The accounts, and the folder of the identity, which only they read."""
    write_if_changed(places.users, _packed("sysusers.conf").read_bytes())
    run("systemd-sysusers", str(places.users))
    write_if_changed(places.fscrypt, _packed("fscrypt.json").read_bytes())
    places.settings.parent.chmod(0o755)  # whatever umask made it: services read the settings and the CA
    folder = places.identity.parent
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    shutil.chown(folder, GROUP, GROUP)


def _write_units(settings: Settings, places: Places) -> bool:
    wanted = units_of(settings)
    changed = [write_if_changed(places.units / unit, _packed(unit).read_bytes()) for unit in wanted]
    gone = [unit for unit in ALL_UNITS if unit not in wanted and (places.units / unit).exists()]
    for unit in gone:
        run("systemctl", "disable", "--quiet", "--now", unit)
        (places.units / unit).unlink()
    if any(changed) or gone:
        run("systemctl", "daemon-reload")
        run("systemctl", "enable", "--quiet", *wanted)
    return any(changed)


def _start(settings: Settings, places: Places, *, units_changed: bool) -> list[str]:
    state = json.dumps({"release": settings.release, "settings": _digest(places.settings)})
    if not units_changed and places.installed.exists() and places.installed.read_text() == state:
        return []
    restarted = _restart(settings)
    if settings.volume is not None:  # not waited for: a release can be delivered while the guardrail is down
        run("systemctl", "start", "--no-block", VOLUME_UNIT)
    write(places.installed, state)
    return restarted


def _restart(settings: Settings) -> list[str]:
    """A unit whose host has not enrolled yet is skipped by systemd itself, without an error."""
    servers = [unit for unit in units_of(settings) if unit != VOLUME_UNIT]
    run("systemctl", "restart", *servers)
    return servers


def _why(error: CommandError) -> str:
    """The last error that a service of ours gave says more than systemctl does."""
    command = ("journalctl", "--boot", "--priority=err", "--lines=1", "--output=cat")
    said = run(*command, f"--identifier={JOURNAL_NAME}", accepted=(0, 1)).stdout.strip()
    return said or f"{error}; `journalctl -t {JOURNAL_NAME}` says more"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _packed(name: str) -> Traversable:
    return resources.files("agent_runtime").joinpath("units", name)
