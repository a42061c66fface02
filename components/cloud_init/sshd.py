"""OpenSSH: keys only, modern algorithms only, one host key.

The drop-in sorts before cloud-init's own `50-cloud-init.conf`: of a repeated option, sshd takes the first. It
need not be reloaded: cloud-init writes files before sshd starts.
"""

from components.cloud_init.accounts import ADMINISTRATOR
from components.cloud_init.part import File, Part

_CONFIG = f"""\
# Algorithms: Mozilla's "modern" guideline and ssh-audit's hardening guide for Debian 12.
HostKey /etc/ssh/ssh_host_ed25519_key
KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
AllowUsers {ADMINISTRATOR}
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
PermitEmptyPasswords no
PermitUserEnvironment no
AllowAgentForwarding no
AllowTcpForwarding no
AllowStreamLocalForwarding no
GatewayPorts no
PermitTunnel no
X11Forwarding no
ClientAliveInterval 300
ClientAliveCountMax 2
LoginGraceTime 30
MaxAuthTries 3
MaxSessions 4
LogLevel VERBOSE
UseDNS no
"""


def sshd() -> Part:
    """One Ed25519 host key: an RSA key costs a shared core half a second of the first boot."""
    return Part(
        files=(File(path="/etc/ssh/sshd_config.d/10-tenantry.conf", content=_CONFIG, mode="0600"),),
        config={
            "ssh_deletekeys": True,
            "ssh_genkeytypes": ["ed25519"],
            "ssh_quiet_keygen": True,
        },
    )
