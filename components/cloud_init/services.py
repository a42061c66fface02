"""Services that a droplet's image may start and no host of ours needs: stopped, and never started again."""

from components.cloud_init.part import Part, Step

NEEDLESS = (
    "avahi-daemon.service",
    "avahi-daemon.socket",
    "bluetooth.service",
    "cups.service",
    "exim4.service",
    "nfs-server.service",
    "rpcbind.service",
    "rpcbind.socket",
    "rsync.service",
)

_MASK = f"""\
for unit in {" ".join(NEEDLESS)}; do ln -sfn /dev/null "/etc/systemd/system/$unit"; done
systemctl daemon-reload
systemctl stop {" ".join(f"'{unit[:-1]}?'" for unit in NEEDLESS)}
"""


def services() -> Part:
    """Links and one reload, not `systemctl mask`, which reloads; a pattern may match nothing."""
    return Part(steps=(Step(name="needless services", script=_MASK),))
