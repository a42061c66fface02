"""Rules of commands: whom the operator's machine speaks to, as whom, and what it says.

A command's text is in the state and in every log of it; what it is told on standard input is a secret of the
state alone.
"""

import hashlib
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from policies.detection import secrets_in
from policies.reading import UNKNOWN, Resource
from policies.resource_types import DROPLET, LOCAL_COMMAND, MESH_MEMBERSHIP, REMOTE_COMMAND, REMOTE_COPY
from policies.rule import Config, Finding, ResourceRule, Rule, Severity, StackRule, Theme, nist, soc2

REMOTE = (REMOTE_COMMAND, REMOTE_COPY)

MESH = (IPv4Network("100.64.0.0/10"), IPv6Network("fd7a:115c:a1e0::/48"))
"""Tailscale's own ranges: every device of a tailnet has an address in each of them."""

_TEXTS = ("create", "update", "delete")
_LATER = (
    "a new host's connection isn't known, and the SDK hides all of it then: it is accepted, and the update "
    "judges it before anything is said to the host. What is unknown inside of a known one may be its host "
    "and its key"
)


def _to_the_mesh(command: Resource, _config: Config) -> Iterator[Finding]:
    host = command.get("connection", "host")
    if host is None or host == "":
        yield "`connection.host` isn't given"
    elif host is not UNKNOWN and not _in_the_mesh(host):
        yield "`connection.host` is no address of the mesh"
    if command.get("connection", "proxy") is not None and command.get("connection") is not UNKNOWN:
        yield "`connection.proxy` goes by way of another host"


def _in_the_mesh(host: Any) -> bool:
    try:
        address = ip_address(str(host))
    except ValueError:
        return False
    return any(address in block for block in MESH)


TO_THE_MESH = ResourceRule(
    name="remote-to-the-mesh-alone",
    theme=Theme.REMOTE,
    title="A remote command goes to an address of the mesh, with no host between.",
    why=(
        "Over the mesh WireGuard has proven which device answers. A name or another address is whoever "
        "has it by then, and a proxy reads along."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(2), soc2("CC6.6"), soc2("CC6.7")),
    remediation="Take the connection that components/remote.py makes of a host.",
    unknowns=_LATER,
    types=REMOTE,
    check=_to_the_mesh,
)


def _as_nobody_else(command: Resource, _config: Config) -> Iterator[Finding]:
    for key in ("password", "privateKey", "privateKeyPassword"):
        value = command.get("connection", key)
        if value is not None and command.get("connection") is not UNKNOWN:
            yield f"`connection.{key}` is a credential that lasts"
    user = command.get("connection", "user")
    if user in (None, "", "root"):
        yield "`connection.user` is root, or isn't given, which means root"
    elif user is UNKNOWN and command.get("connection") is not UNKNOWN:
        yield "`connection.user` isn't known before the update: write it out"


WITHOUT_PASSWORDS = ResourceRule(
    name="remote-without-passwords",
    theme=Theme.REMOTE,
    title="A remote command has no password and no key of its own, and isn't root's.",
    why=(
        "What is written into a program or a state is used again by whoever reads it. The operator's "
        "certificate is in an agent, for an hour, and every use of it is in the vault's audit."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(3), nist(6), soc2("CC6.1")),
    remediation="Leave credentials out: run it under `python -m stacks.identity`, whose agent has one.",
    unknowns=_LATER,
    types=REMOTE,
    check=_as_nobody_else,
)


def _pinned(command: Resource, _config: Config) -> Iterator[Finding]:
    if command.get("connection", "hostKey") in (None, ""):
        yield "`connection.hostKey` isn't given, so any host would do"


HOST_KEY_PINNED = ResourceRule(
    name="remote-host-key-pinned",
    theme=Theme.REMOTE,
    title="A remote command knows its host's key.",
    why="Without it, whoever has the address is told the tenant's passwords.",
    severity=Severity.HIGH,
    controls=(nist(2), nist(6), soc2("CC6.7")),
    remediation="Give the key that was pinned when the host joined the mesh (components/mesh.py).",
    unknowns=_LATER,
    types=REMOTE,
    check=_pinned,
)


def _unsaid(command: Resource, _config: Config) -> Iterator[Finding]:
    names = _known_names(command)
    for key in _TEXTS:
        text = command.get(key)
        if text is UNKNOWN:
            yield f"`{key}` isn't known before the update: write it out, and tell secrets to `stdin`"
        elif text:
            for kind in secrets_in(str(text), names):
                yield f"`{key}` has what looks like a secret ({kind})"
    variables = command.get("environment")
    if variables is UNKNOWN:
        return
    for name in sorted(set(variables or {})):
        value = command.get("environment", name)
        if value is not UNKNOWN and secrets_in(f"{name}={value}", names):
            yield f"`environment.{name}` has what looks like a secret"


def _known_names(command: Resource) -> list[str]:
    """The command's own name, and what it begins with: a host's may look random, and is in every log."""
    words = command.name.split("-")
    beginnings = ("-".join(words[:length]) for length in range(1, len(words) + 1))
    own = [each for each in beginnings if each.startswith(f"{command.stack}-") and each != command.stack]
    return [*own, f"tenant-{command.stack}"]


NO_SECRET = ResourceRule(
    name="remote-command-holds-no-secret",
    theme=Theme.REMOTE,
    title="A command's text and its environment hold no secret.",
    why="Both are in process lists, in logs and in the messages of errors.",
    severity=Severity.CRITICAL,
    controls=(nist(3), soc2("CC6.1")),
    remediation="Tell it on `stdin`, and make a new one: this one was written down.",
    unknowns="a text is refused: commands are written in the code; variables are judged by the update",
    types=(REMOTE_COMMAND, LOCAL_COMMAND),
    check=_unsaid,
)


def _quiet(command: Resource, _config: Config) -> Iterator[Finding]:
    if not command.has("stdin"):
        return
    if command.get("logging") not in ("stderr", "none"):
        yield "`logging` isn't `stderr` or `none`, so what it prints of what it was told is logged"
    if command.get("addPreviousOutputInEnv") is not False:
        yield "`addPreviousOutputInEnv` isn't false, so its output is in its next environment"


QUIET = ResourceRule(
    name="remote-command-quiet",
    theme=Theme.REMOTE,
    title="A remote command that is told something on standard input prints nothing of it.",
    why="What is told so is a secret: a command that repeats it puts it into the engine's log.",
    severity=Severity.MEDIUM,
    controls=(nist(3), soc2("CC6.1")),
    remediation="Set `logging: stderr` and `addPreviousOutputInEnv: false`.",
    unknowns="refused: both are decided in the code",
    types=(REMOTE_COMMAND,),
    check=_quiet,
)


PINNING = "5de788c1bf9e95c1ecec094d65c257075a1a3a76739fe68ecc83c6278977cba0"  # pragma: allowlist secret
"""SHA-256 of the text in components/mesh.py that pins a host's key, which is all that may be run."""

_PINNING_VARIABLES = frozenset({"MESH_HOST", "MESH_ADDRESS"})


def _known(command: Resource, _config: Config) -> Iterator[Finding]:
    if command.ancestors[-1:] != (MESH_MEMBERSHIP,):
        yield "it isn't the component MeshMembership's, which pins a host's key"
    text = command.get("create")
    if not isinstance(text, str) or hashlib.sha256(text.encode()).hexdigest() != PINNING:
        yield "`create` isn't the text that pins a host's key, written out"
    for key in ("update", "delete", "interpreter", "dir", "stdin", "assetPaths", "archivePaths"):
        if command.has(key):
            yield f"`{key}` is given, which pinning a key doesn't need"
    variables = command.get("environment")
    if variables is not UNKNOWN and not set(variables or ()) <= _PINNING_VARIABLES:
        yield "`environment` has more than the host's name and address"


LOCAL_COMMAND_KNOWN = ResourceRule(
    name="local-command-known",
    theme=Theme.REMOTE,
    title="On the operator's machine a stack runs nothing but the pinning of a host's key.",
    why="There are the tokens of all tenants: what runs there can read them.",
    severity=Severity.CRITICAL,
    controls=(nist(3), soc2("CC6.8")),
    remediation="Run it on the host it is about, as a remote command.",
    unknowns="refused of its text, which is decided in the code; a new host's address isn't known",
    types=(LOCAL_COMMAND,),
    check=_known,
)


def _to_this_stacks(resources: Sequence[Resource], _config: Config) -> Iterator[tuple[Resource, Finding]]:
    for each in resources:
        if each.type in REMOTE:
            made_from = {source.type for source in each.sources.get("connection", ())}
            if not {DROPLET, LOCAL_COMMAND} <= made_from:
                yield each, "`connection` isn't made from a droplet of this stack and the key that was pinned"


TO_THIS_STACKS = StackRule(
    name="remote-to-a-host-of-this-stack",
    theme=Theme.REMOTE,
    title="A remote command goes to a droplet of its own stack, by the key that was pinned for it.",
    why=(
        "The operator reaches every tenant's hosts over the mesh. An address that is written out may be "
        "another tenant's, which is then told this one's passwords."
    ),
    severity=Severity.CRITICAL,
    controls=(nist(2), nist(3), soc2("CC6.1"), soc2("CC6.7")),
    remediation="Take the connection that components/remote.py makes of a host.",
    unknowns="judged by what the connection is made from, which a preview knows",
    check=_to_this_stacks,
)

RULES: tuple[Rule, ...] = (
    TO_THE_MESH,
    TO_THIS_STACKS,
    WITHOUT_PASSWORDS,
    HOST_KEY_PINNED,
    NO_SECRET,
    QUIET,
    LOCAL_COMMAND_KNOWN,
)
