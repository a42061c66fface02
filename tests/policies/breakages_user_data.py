"""User-data, broken.

Written out rather than made from the key to the mesh: so a preview knows it, and refuses it.
"""

from collections.abc import Callable

from breakage import Breakage, changing, setting
from hardened import changed, hardened, mesh_key, with_file

from policies.resource_types import DROPLET, HARDENED_HOST

GUARDRAIL = "-guardrail-1"


def _given(user_data: Callable[[], str]) -> Callable[[], None]:
    return changing(DROPLET, lambda props: props.update(user_data=user_data()), name=GUARDRAIL)


BREAKAGES: tuple[Breakage, ...] = (
    Breakage(
        name="second-key",
        rule="user-data-holds-no-secret",
        what="a guardrail with a second key to the mesh on its disk",
        apply=_given(lambda: with_file("/root/key", mesh_key())),
    ),
    Breakage(
        name="secret-in-user-data",
        rule="user-data-holds-no-secret",
        what="a guardrail with a provider's key in its user-data",
        apply=_given(lambda: with_file("/etc/model.env", f"OPENAI_API_KEY={mesh_key()[-32:]}")),
    ),
    Breakage(
        name="root-login",
        rule="user-data-is-the-hardened-one",
        what="a guardrail whose sshd lets root in",
        apply=_given(lambda: changed("PermitRootLogin no", "PermitRootLogin yes")),
    ),
    Breakage(
        name="ssh-from-anywhere",
        rule="user-data-is-the-hardened-one",
        what="a guardrail whose UFW admits SSH from everywhere",
        apply=_given(
            lambda: changed("-A ufw-user-input -i tailscale0 -p tcp -s 100.64.0.0/10", "-A ufw-user-input")
        ),
    ),
    Breakage(
        name="sshd-before-the-mesh",
        rule="user-data-is-the-hardened-one",
        what="a guardrail whose sshd listens on every address",
        apply=_given(lambda: changed('echo "ListenAddress $address" > ', "true ")),
    ),
    Breakage(
        name="own-script",
        rule="user-data-is-the-hardened-one",
        what="a guardrail with a script of somebody's own for its first boot",
        apply=setting(DROPLET, name=GUARDRAIL, user_data="#!/bin/sh\ntrue\n"),
    ),
    Breakage(
        name="no-ssh-ca",
        rule="host-knows-the-operator",
        what="hosts without the vault's SSH CA",
        apply=setting(HARDENED_HOST, ssh_ca=""),
    ),
    Breakage(
        name="other-tenants-principal",
        rule="host-knows-the-operator",
        what="a guardrail that another tenant's operators may enter",
        apply=_given(lambda: hardened(tenant="globex")),
    ),
)
