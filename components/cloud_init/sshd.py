"""OpenSSH: keys and certificates only, modern algorithms only, one host key, no forwarding of anything.

The drop-in sorts before cloud-init's own `50-cloud-init.conf`: of a repeated option, sshd takes the first. At
which address it listens, and that it starts only then, is the mesh's to say (mesh.py).
"""

from components.cloud_init.accounts import ADMINISTRATOR
from components.cloud_init.part import File, Part

CA_FILE = "/etc/ssh/tenantry-ca.pub"
PRINCIPALS = "/etc/ssh/principals"

_CONFIG = f"""\
# Algorithms: Mozilla's "modern" guideline and ssh-audit's hardening guide for Debian 12.
HostKey /etc/ssh/ssh_host_ed25519_key
KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
AllowUsers {ADMINISTRATOR}
AuthenticationMethods publickey
TrustedUserCAKeys {CA_FILE}
AuthorizedPrincipalsFile {PRINCIPALS}/%u
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
Compression no
DebianBanner no
LoginGraceTime 30
MaxAuthTries 3
MaxSessions 4
LogLevel VERBOSE
TCPKeepAlive no
UseDNS no
"""


def principal(tenant: str) -> str:
    """What a certificate of the vault's SSH CA must say to be let into the tenant's hosts."""
    return f"tenant-{tenant}"


def sshd(tenant: str, ca: str) -> Part:
    """`ca` is the public key of the CA whose certificates are let in, if they are for this tenant.

    One Ed25519 host key: an RSA key costs a shared core half a second of the first boot.
    """
    return Part(
        files=(
            File(path="/etc/ssh/sshd_config.d/10-tenantry.conf", content=_CONFIG, mode="0600"),
            File(path=CA_FILE, content=f"{ca.strip()}\n"),
            File(path=f"{PRINCIPALS}/{ADMINISTRATOR}", content=f"{principal(tenant)}\n"),
        ),
        config={
            "ssh_deletekeys": True,
            "ssh_genkeytypes": ["ed25519"],
            "ssh_quiet_keygen": True,
        },
    )
