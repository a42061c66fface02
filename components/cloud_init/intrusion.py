"""fail2ban for sshd. It reads the journal: Debian 12 has no auth.log, and without one it fails at start."""

from components.cloud_init.part import File, Part, Step

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


_START = """\
ln -sfn /lib/systemd/system/fail2ban.service /etc/systemd/system/multi-user.target.wants/fail2ban.service
systemctl restart fail2ban.service
"""


def intrusion() -> Part:
    """A stock image has started fail2ban already, without the jail; another has not enabled it."""
    return Part(
        files=(File(path="/etc/fail2ban/jail.d/tenantry.local", content=_JAIL),),
        steps=(Step(name="fail2ban", script=_START),),
    )
