"""What a hardened host's cloud-config has, by name: its keys, and the files that it writes.

Repeated here on purpose: a rule that took them from `components` would let through whatever is added there.
"""

from policies.cloud_config import KEY_FILE

SSHD_FOLDER = "/etc/ssh/sshd_config.d"
NO_SSHD_FILE = "/etc/ssh/sshd_not_to_be_run"
INTERFACE = "tailscale0"

KEYS = frozenset(
    {
        *("cloud_init_modules", "cloud_config_modules", "cloud_final_modules", "disable_root", "hostname"),
        *("runcmd", "ssh_deletekeys", "ssh_genkeytypes", "ssh_quiet_keygen", "users", "write_files"),
    }
)
"""What a hardened host's document has: other keys have modules that run commands, or let somebody in."""

FILES = frozenset(
    {
        *("/etc/apt/apt.conf.d/20auto-upgrades", "/etc/apt/apt.conf.d/52tenantry"),
        "/etc/audit/rules.d/50-tenantry.rules",
        *("/etc/default/tailscaled", "/etc/default/ufw", "/etc/ufw/before.rules", "/etc/ufw/ufw.conf"),
        *("/etc/ufw/user.rules", "/etc/fail2ban/jail.local", "/etc/hosts", "/etc/issue", "/etc/issue.net"),
        *("/etc/login.defs", "/etc/modprobe.d/tenantry.conf", "/etc/profile.d/tenantry.sh"),
        *("/etc/security/limits.d/90-tenantry.conf", "/etc/sysusers.d/tailscale.conf"),
        *("/etc/ssh/principals/tenantry", "/etc/ssh/tenantry-ca.pub", f"{SSHD_FOLDER}/10-tenantry.conf"),
        *("/etc/sysctl.d/90-tenantry.conf", "/etc/sysctl.d/91-tenantry-machine.conf"),
        "/etc/systemd/coredump.conf.d/tenantry.conf",
        *(
            f"/etc/systemd/system/{unit}.service.d/tenantry.conf"
            for unit in ("auditd", "fail2ban", "tailscaled")
        ),
        "/etc/systemd/system/tenantry-scrub-user-data.service",
        *(f"/usr/local/lib/tenantry/{each}" for each in ("enrol", "first-boot", "join-mesh", "receive")),
        *("/usr/local/lib/tenantry/scrub-user-data", KEY_FILE, NO_SSHD_FILE),
    }
)
"""What a hardened host's document writes. Most other files run something, let somebody in or undo these; and
a path that is spelled otherwise is none of these.
"""
