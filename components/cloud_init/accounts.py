"""The one account that people use, and no other: no password, no root login."""

from collections.abc import Sequence

from components.cloud_init.part import Part, Step

ADMINISTRATOR = "tenantry"


def accounts(ssh_keys: Sequence[str]) -> Part:
    """The administrator with the given public keys (OpenSSH format); without any, nobody can log in."""
    administrator = {
        "name": ADMINISTRATOR,
        "gecos": "Tenantry operations",
        "groups": ["sudo"],
        "shell": "/bin/bash",
        "lock_passwd": True,
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
    }
    if ssh_keys:
        administrator["ssh_authorized_keys"] = list(ssh_keys)
    return Part(
        config={"users": [administrator], "disable_root": True},
        steps=(Step(name="root has no password", script="passwd --quiet --lock root"),),
    )
