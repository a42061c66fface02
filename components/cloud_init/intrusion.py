"""fail2ban for sshd: an address that fails five times to log in is shut out for an hour.

It reads the journal: Debian 12 has no auth.log, and without one it fails at start. It bans in an nftables
table of its own, before UFW's chains, and leaves UFW's rules as the table of flows has them.
"""

from components.cloud_init.part import File, Part, Step
from components.cloud_init.sandbox import SANDBOX

# Keys are all that sshd takes, and fail2ban's own filter counts no key as a failure: what counts here is a
# connection that ends while a user is being authenticated. Probes of the port alone are no logins.
_JAIL = r"""[DEFAULT]
backend = systemd
banaction = nftables-multiport
bantime = 1h
findtime = 10m
maxretry = 5

[sshd]
enabled = true
filter = sshd[mode=extra]
failregex = ^<F-MLFFORGET>Connection (?:closed|reset)</F-MLFFORGET> by (?:authenticating|invalid) user <F-USER>\S+</F-USER> <HOST> port \d+ \[preauth\]$
journalmatch = _SYSTEMD_UNIT=ssh.service + _COMM=sshd
"""  # noqa: E501 (an expression can't be broken)

_SANDBOX = f"""\
[Service]
CapabilityBoundingSet=CAP_NET_ADMIN
PrivateDevices=yes
ReadWritePaths=/run/fail2ban /var/lib/fail2ban /var/log
RestrictAddressFamilies=AF_NETLINK AF_UNIX
{SANDBOX}"""

_START = """\
ln -sfn /lib/systemd/system/fail2ban.service /etc/systemd/system/multi-user.target.wants/fail2ban.service
systemctl restart fail2ban.service
"""


def intrusion() -> Part:
    """A stock image has started fail2ban already, without the jail; another has not enabled it.

    Its sandbox counts from this restart on: units were loaded anew by `services`, which comes before.
    """
    return Part(
        files=(
            File(path="/etc/fail2ban/jail.local", content=_JAIL),
            File(path="/etc/systemd/system/fail2ban.service.d/tenantry.conf", content=_SANDBOX),
        ),
        steps=(Step(name="fail2ban", script=_START),),
    )
