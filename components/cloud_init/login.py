"""What an account is allowed by default, after CIS Debian Linux 12 Benchmark v1.1, sections 1.7, 5.4 and 7.1.

No account of ours has a password; whoever sets one nevertheless gets one that is hashed slowly and ages.
"""

from components.cloud_init.part import File, Part, Step

BANNER = """\
Private system. Access is for authorized operations alone: every connection is monitored and recorded.
Use is subject to the owner's policy; unauthorized access is prohibited and will be prosecuted by law.
"""

# The defaults of Debian 12 but for the last lines; the file can't be split.
_LOGIN_DEFS = """\
MAIL_DIR /var/mail
FAILLOG_ENAB yes
LOG_UNKFAIL_ENAB no
LOG_OK_LOGINS no
SYSLOG_SU_ENAB yes
SYSLOG_SG_ENAB yes
FTMP_FILE /var/log/btmp
SU_NAME su
HUSHLOGIN_FILE .hushlogin
ENV_SUPATH PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV_PATH PATH=/usr/local/bin:/usr/bin:/bin
TTYGROUP tty
TTYPERM 0600
ERASECHAR 0177
KILLCHAR 025
PASS_WARN_AGE 7
UID_MIN 1000
UID_MAX 60000
SUB_UID_MIN 100000
SUB_UID_MAX 600100000
SUB_UID_COUNT 65536
GID_MIN 1000
GID_MAX 60000
SUB_GID_MIN 100000
SUB_GID_MAX 600100000
SUB_GID_COUNT 65536
LOGIN_TIMEOUT 60
CHFN_RESTRICT rwh
DEFAULT_HOME yes
USERGROUPS_ENAB yes
NONEXISTENT /nonexistent
PREVENT_NO_AUTH superuser
ENCRYPT_METHOD YESCRYPT
YESCRYPT_COST_FACTOR 8
SHA_CRYPT_MIN_ROUNDS 100000
SHA_CRYPT_MAX_ROUNDS 200000
HOME_MODE 0700
LOGIN_RETRIES 3
PASS_MAX_DAYS 365
PASS_MIN_DAYS 1
UMASK 027
"""

_PROFILE = """\
umask 027
ulimit -c 0
readonly TMOUT=900
export TMOUT
"""

_PERMISSIONS = """\
chmod 0600 /etc/ssh/sshd_config
chmod 0700 /etc/cron.*/ /home/*/ /root
chmod 0750 /etc/sudoers.d
"""


def login() -> Part:
    """A forgotten shell ends after a quarter of an hour."""
    return Part(
        files=(
            File(path="/etc/login.defs", content=_LOGIN_DEFS),
            File(path="/etc/profile.d/tenantry.sh", content=_PROFILE),
            File(path="/etc/issue", content=BANNER),
            File(path="/etc/issue.net", content=BANNER),
        ),
        steps=(Step(name="permissions", script=_PERMISSIONS),),
    )
