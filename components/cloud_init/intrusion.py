"""fail2ban for sshd. It reads the journal: Debian 12 has no auth.log, and without one it fails at start."""

from components.cloud_init.part import File, Part

_JAIL = """\
[DEFAULT]
backend = systemd
banaction = ufw
bantime = 1h
findtime = 10m
maxretry = 5

[sshd]
enabled = true
mode = aggressive
journalmatch = _SYSTEMD_UNIT=ssh.service + _COMM=sshd
"""


def intrusion() -> Part:
    """Written before fail2ban first starts, so it needs no restart."""
    return Part(files=(File(path="/etc/fail2ban/jail.d/tenantry.local", content=_JAIL),))
