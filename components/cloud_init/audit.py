"""auditd's rules, after CIS Debian Linux 12 Benchmark v1.1, section 6.3.3.

The kernel's audit has no namespaces, so in a container (the local cloud's droplets) auditd can't run: there
it is not started, and what is checked is the rules, merged as they would be loaded.
"""

from components.cloud_init.part import File, Part, Step

_RULES = """\
-D
-b 8192
--backlog_wait_time 60000
-f 1
-w /etc/sudoers -p wa -k scope
-w /etc/sudoers.d -p wa -k scope
-a always,exit -F arch=b64 -C euid!=uid -F auid!=unset -S execve -k user_emulation
-a always,exit -F arch=b64 -S adjtimex,settimeofday,clock_settime -k time-change
-a always,exit -F arch=b64 -S sethostname,setdomainname -k system-locale
-w /etc/hosts -p wa -k system-locale
-w /etc/ufw -p wa -k firewall
-w /etc/ssh -p wa -k sshd
-w /etc/tenantry -p rwa -k credentials
-w /etc/group -p wa -k identity
-w /etc/passwd -p wa -k identity
-w /etc/shadow -p wa -k identity
-a always,exit -F arch=b64 -S chmod,fchmod,fchmodat -F auid>=1000 -F auid!=unset -k perm_mod
-a always,exit -F arch=b64 -S chown,fchown,fchownat,lchown -F auid>=1000 -F auid!=unset -k perm_mod
-a always,exit -F arch=b64 -S creat,open,openat,truncate -F exit=-EACCES -F auid>=1000 -k access
-a always,exit -F arch=b64 -S creat,open,openat,truncate -F exit=-EPERM -F auid>=1000 -k access
-a always,exit -F arch=b64 -S mount -F auid>=1000 -F auid!=unset -k mounts
-a always,exit -F arch=b64 -S unlink,unlinkat,rename,renameat -F auid>=1000 -F auid!=unset -k delete
-a always,exit -F arch=b64 -S init_module,finit_module,delete_module -k kernel_modules
-w /var/log/lastlog -p wa -k logins
-w /var/run/utmp -p wa -k session
-e 2
"""

_NOT_IN_A_CONTAINER = """\
[Unit]
ConditionVirtualization=!container
"""

_LOAD = """\
if systemd-detect-virt --quiet --container; then
  augenrules
  systemctl reset-failed 'auditd*'
else
  augenrules --load
fi
"""


def audit() -> Part:
    """The rules become immutable until the next boot (`-e 2`)."""
    return Part(
        files=(
            File(path="/etc/audit/rules.d/50-tenantry.rules", content=_RULES, mode="0640"),
            File(path="/etc/systemd/system/auditd.service.d/tenantry.conf", content=_NOT_IN_A_CONTAINER),
        ),
        steps=(Step(name="audit rules", script=_LOAD),),
    )
