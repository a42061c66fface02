"""What a fresh disk knows before its first boot: who it is, whom it lets in, and its user-data.

cloud-init finds it as a NoCloud seed
(https://cloudinit.readthedocs.io/en/22.4/topics/datasources/nocloud.html), which needs no network.
"""

import json
import secrets
from pathlib import Path

from local_cloud.hypervisor.model import Machine

SEED = Path("var/lib/cloud/seed/nocloud")
TRUSTED = Path("etc/ssl/certs/local-cloud.pem")
"""The local cloud's CA, where Go's programs find it: tailscaled trusts the coordination server by it."""
NETWORK = Path("etc/cloud/cloud.cfg.d/99-network.cfg")


def plant(machine: Machine, upper: Path, trusted: str) -> None:
    """Write the seed into the upper tree of a fresh disk. Only root can read what user-data may hold."""
    identity = secrets.token_hex(16)
    _write(upper / "etc/machine-id", f"{identity}\n", mode=0o444)
    _write(upper / "etc/hostname", f"{machine.name}\n", mode=0o644)
    # The addresses are on the interfaces before the machine boots.
    _write(upper / NETWORK, "network: {config: disabled}\n", mode=0o644)
    _write(upper / TRUSTED, trusted, mode=0o644)
    _directory(upper / SEED, mode=0o700)
    _write(upper / SEED / "meta-data", meta_data(machine, identity), mode=0o600)
    _write(upper / SEED / "user-data", machine.user_data or "", mode=0o600)


def meta_data(machine: Machine, identity: str) -> str:
    """Meta-data in YAML. A rebuilt machine has another identity, so cloud-init runs as on a new one."""
    return json.dumps(
        {
            "instance-id": f"{machine.id}-{identity}",
            "local-hostname": machine.name,
            "public-keys": list(machine.ssh_keys),
        }
    )


def _write(file: Path, content: str, *, mode: int) -> None:
    _directory(file.parent, mode=0o755)
    file.touch(mode=0o600)
    file.write_text(content)
    file.chmod(mode)


def _directory(path: Path, *, mode: int) -> None:
    """Missing parents get 0755 whatever the umask: a merged directory has the mode of the upper one."""
    for missing in reversed([p for p in (path, *path.parents) if not p.exists()]):
        missing.mkdir()
        missing.chmod(0o755)
    if mode != 0o755:
        path.chmod(mode)
