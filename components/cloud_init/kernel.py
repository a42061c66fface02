"""Kernel settings, after CIS Debian Linux 12 Benchmark v1.1, sections 1.5 and 3.3, and no core dumps.

A leading `-` lets a setting fail at a later boot: a container can write those of its own network namespace
alone.
"""

from components.cloud_init.part import File, Part, Step

SYSCTL = {
    "net.ipv4.conf.all.accept_redirects": 0,
    "net.ipv4.conf.all.accept_source_route": 0,
    "net.ipv4.conf.all.log_martians": 1,
    "net.ipv4.conf.all.rp_filter": 1,
    "net.ipv4.conf.all.secure_redirects": 0,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.accept_redirects": 0,
    "net.ipv4.conf.default.accept_source_route": 0,
    "net.ipv4.conf.default.log_martians": 1,
    "net.ipv4.conf.default.rp_filter": 1,
    "net.ipv4.conf.default.secure_redirects": 0,
    "net.ipv4.conf.default.send_redirects": 0,
    "net.ipv4.icmp_echo_ignore_broadcasts": 1,
    "net.ipv4.icmp_ignore_bogus_error_responses": 1,
    "net.ipv4.ip_forward": 0,
    "net.ipv4.ip_nonlocal_bind": 1,
    "net.ipv4.tcp_syncookies": 1,
    "net.ipv6.conf.all.accept_redirects": 0,
    "net.ipv6.conf.all.disable_ipv6": 1,
    "net.ipv6.conf.default.accept_redirects": 0,
    "net.ipv6.conf.default.disable_ipv6": 1,
}
"""Settings of the network namespace: they hold on every host.

`ip_nonlocal_bind`: after a reboot servers of the mesh address start before it is there. It lets nobody send
from a foreign address.
"""

SYSCTL_OF_THE_MACHINE = {
    "dev.tty.ldisc_autoload": 0,
    "fs.protected_fifos": 2,
    "fs.protected_hardlinks": 1,
    "fs.protected_regular": 2,
    "fs.protected_symlinks": 1,
    "fs.suid_dumpable": 0,
    "kernel.core_pattern": "|/bin/false",
    "kernel.core_uses_pid": 1,
    "kernel.ctrl-alt-del": 0,
    "kernel.dmesg_restrict": 1,
    "kernel.kptr_restrict": 2,
    "kernel.perf_event_paranoid": 3,
    "kernel.randomize_va_space": 2,
    "kernel.sysrq": 0,
    "kernel.unprivileged_bpf_disabled": 1,
    "kernel.yama.ptrace_scope": 1,
}
"""Settings of the whole kernel: they hold on a droplet, and not in a container, which shares its host's."""

_FILE = "/etc/sysctl.d/90-tenantry.conf"
_FILE_OF_THE_MACHINE = "/etc/sysctl.d/91-tenantry-machine.conf"

_NO_CORE_DUMPS = """\
[Coredump]
Storage=none
ProcessSizeMax=0
"""

_APPLY = f"""\
sysctl --quiet --load {_FILE}
systemd-detect-virt --quiet --container || sysctl --quiet --load {_FILE_OF_THE_MACHINE}
"""


def kernel() -> Part:
    """Applied at once, and by systemd-sysctl at later boots."""
    network = "".join(f"{key} = {value}\n" for key, value in SYSCTL.items())
    machine = "".join(f"-{key} = {value}\n" for key, value in SYSCTL_OF_THE_MACHINE.items())
    return Part(
        files=(
            File(path=_FILE, content=network),
            File(path=_FILE_OF_THE_MACHINE, content=machine),
            File(path="/etc/security/limits.d/90-tenantry.conf", content="* hard core 0\n"),
            File(path="/etc/systemd/coredump.conf.d/tenantry.conf", content=_NO_CORE_DUMPS),
        ),
        steps=(Step(name="kernel settings", script=_APPLY),),
    )
