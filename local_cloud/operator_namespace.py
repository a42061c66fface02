"""The operator's namespace: where `exec` runs commands, with the API at loopback and the cloud's resolver.

It keeps the caller's processes, files and users. What differs is the network and /etc/resolv.conf.
"""

import subprocess
from pathlib import Path

from local_cloud.hypervisor.names import OPERATOR_RESOLVERS

MOUNTS = "operator.mounts"
RESOLV_CONF = Path("/etc/resolv.conf")

# The supervisor's /proc shows its own processes; under it lies the one that the caller of `exec` needs.
_SCRIPT = 'umount --lazy /proc && { [ ! -e "$2" ] || mount --bind "$1" "$2"; }'


def prepare(run_directory: Path) -> None:
    """Make the mount namespace, kept alive by a file in `run_directory`, which must be a private mount."""
    resolv_conf = run_directory / "resolv.conf"
    resolv_conf.write_text(f"nameserver {OPERATOR_RESOLVERS[0]}\noptions timeout:1\n")
    holder = run_directory / MOUNTS
    holder.touch()
    script = ["sh", "-c", _SCRIPT, "sh", str(resolv_conf), str(RESOLV_CONF)]
    subprocess.run(["unshare", f"--mount={holder}", "--propagation=slave", *script], check=True)
