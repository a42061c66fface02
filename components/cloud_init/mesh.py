"""The mesh on a host: tailscaled under an account of its own, joined once, by a key that is gone right after.

sshd is let start only then, and on the host's mesh address alone. Deliberately without MagicDNS, routes,
Tailscale SSH, firewall rules of Tailscale's own (they let everything in from the mesh) and log uploads.
"""

import shlex
from dataclasses import dataclass, field

from components.cloud_init.part import DIRECTORY, File, Part, Step
from components.cloud_init.sandbox import SANDBOX

USER = "tailscale"
INTERFACE = "tailscale0"
MESH_RANGE = "100.64.0.0/10"
"""The addresses that Tailscale gives to members (RFC 6598)."""

SCRIPT = f"{DIRECTORY}/join-mesh"
KEY_FILE = "/run/tenantry-mesh-key"
SEED_FILE = "/var/lib/cloud/seed/nocloud/user-data"
"""User-data itself, where the image has it on the disk and no metadata service hands it out."""

LISTEN_FILE = "/etc/ssh/sshd_config.d/05-mesh-address.conf"
NO_SSHD_FILE = "/etc/ssh/sshd_not_to_be_run"
"""While it exists, Debian's ssh.service isn't started."""

JOIN_SECONDS = 90
UNIT = "tailscaled.service"

_DEFAULTS = """\
PORT="41641"
FLAGS=""
TS_NO_LOGS_NO_SUPPORT=true
"""

_ACCOUNT = f"""\
u {USER} - "Mesh daemon" /var/lib/tailscale
"""

# Of root's rights it keeps those over the network, and of devices the tunnel.
_SANDBOX = f"""\
[Service]
User={USER}
Group={USER}
AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW
DeviceAllow=/dev/net/tun rw
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RuntimeDirectoryMode=0750
{SANDBOX}"""


@dataclass(frozen=True, kw_only=True)
class MeshJoin:
    """How one host joins: by a key of one use, as `hostname`, at `login_server` (None is Tailscale's own).

    `coordination` are the ranges of the mesh's servers, `peers` those of members that are reached directly.
    """

    hostname: str
    auth_key: str = field(repr=False)
    login_server: str | None
    coordination: tuple[str, ...]
    peers: tuple[str, ...] = ()


def mesh_account() -> Part:
    """The account whose packets the host's firewall lets out to the mesh's servers."""
    path = "/etc/sysusers.d/tailscale.conf"
    return Part(
        files=(File(path=path, content=_ACCOUNT),),
        steps=(Step(name="account of the mesh daemon", script=f"systemd-sysusers {path}"),),
    )


def mesh_daemon() -> Part:
    """Started beside what comes next, since it needs a while, and is nobody's way in before it has joined."""
    enable = f"ln -sfn /lib/systemd/system/{UNIT} /etc/systemd/system/multi-user.target.wants/{UNIT}"
    return Part(
        files=(
            File(path="/etc/default/tailscaled", content=_DEFAULTS),
            File(path=f"/etc/systemd/system/{UNIT}.d/tenantry.conf", content=_SANDBOX),
        ),
        steps=(Step(name="mesh daemon", script=f"{enable}\nsystemctl start --no-block {UNIT}"),),
    )


def mesh(join: MeshJoin) -> Part:
    """Joins with a deadline; a later boot goes on with what the daemon has kept, without a key."""
    return Part(
        files=(
            File(path=NO_SSHD_FILE, content=""),
            File(path=KEY_FILE, content=join.auth_key, mode="0600"),
            File(path=SCRIPT, content=_script(_options(join)), mode="0755"),
        ),
        steps=(Step(name="joining the mesh", script=SCRIPT),),
    )


def _script(options: str) -> str:
    return f"""\
#!/bin/sh
set -eu
forget() {{
  [ ! -e {SEED_FILE} ] || {{ printf s/; cat {KEY_FILE}; printf /used/; }} | sed -i -f /dev/stdin {SEED_FILE}
  rm -f {KEY_FILE}
}}
trap forget EXIT
fail() {{
  echo "tenantry: this host did not join the mesh: $1; replace it: python -m stacks.replace $(hostname)" |
    tee /dev/console >&2
  exit 1
}}
systemctl start {UNIT} || fail 'tailscaled does not start'
said=$(tailscale up {options} 2>&1) || fail "$(echo "$said" | grep -vFf {KEY_FILE} | tail -n 1)"
address=$(tailscale ip -4)
echo "ListenAddress $address" > {LISTEN_FILE}
rm -f {NO_SSHD_FILE}
systemctl start ssh.service
"""


def _options(join: MeshJoin) -> str:
    options = [
        f"--auth-key=file:{KEY_FILE}",
        f"--hostname={join.hostname}",
        f"--timeout={JOIN_SECONDS}s",
        "--accept-dns=false",
        "--accept-routes=false",
        "--netfilter-mode=off",
        "--shields-up=false",
        "--ssh=false",
    ]
    if join.login_server:
        options.append(f"--login-server={join.login_server}")
    return shlex.join(options)
