"""The packages that the other parts configure: taken from the image, installed only where it lacks them.

Deliberately no `apt update` or upgrade at boot: it costs seconds of processor per host, and a tenant's hosts
have no way to a Debian mirror (see docs/flows.md), so the image has to bring what they need.
"""

from components.cloud_init.part import Part, Step

REQUIRED = {
    "auditd": "/sbin/auditd",
    "fail2ban": "/usr/bin/fail2ban-server",
    "fscrypt": "/usr/bin/fscrypt",
    "nftables": "/usr/sbin/nft",
    "openssh-server": "/usr/sbin/sshd",
    "python3-cryptography": "/usr/lib/python3/dist-packages/cryptography",
    "python3-systemd": "/usr/lib/python3/dist-packages/systemd",
    "sudo": "/usr/bin/sudo",
    "tailscale": "/usr/sbin/tailscaled",
    "ufw": "/usr/sbin/ufw",
    "unattended-upgrades": "/usr/bin/unattended-upgrade",
}
"""Debian packages, and a path by which each is known to be there without asking dpkg."""

POSTGRESQL_CLIENT = {"postgresql-client": "/usr/bin/psql"}

_INSTALL = """\
missing=
{checks}
if [ -n "$missing" ]; then
  export DEBIAN_FRONTEND=noninteractive
  if ! {{ apt-get update -q && apt-get install -qy -o Dpkg::Options::=--force-confold $missing; }}; then
    echo "tenantry: the image lacks$missing, and no Debian mirror answers: use an image that has them" >&2
    exit 1
  fi
fi
"""


def packages(extra: dict[str, str] | None = None) -> Part:
    """Installs what is absent; `extra` is as REQUIRED, for one host's own needs."""
    wanted = REQUIRED | (extra or {})
    checks = "\n".join(
        f'[ -e {path} ] || missing="$missing {package}"' for package, path in sorted(wanted.items())
    )
    return Part(steps=(Step(name="packages", script=_INSTALL.format(checks=checks)),))
