"""What makes a cloud-config a hardened host's, by its structure: files, their options, what is run."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from policies.cloud_config import KEY_FILE, CloudConfig
from policies.hardened_parts import FILES, KEYS, NO_SSHD_FILE, SSHD_FOLDER
from policies.host_firewall import is_another_step, may_open

_AFTER_OURS = f"{SSHD_FOLDER}/50-cloud-init.conf"
"""Cloud-init's own drop-in. Of a repeated option sshd takes the first, so ours has to sort before it."""

_SSHD = {
    "PermitRootLogin": "no",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "PermitEmptyPasswords": "no",
    "AuthenticationMethods": "publickey",
    "AllowTcpForwarding": "no",
    "PermitTunnel": "no",
}
_UFW = {"DEFAULT_INPUT_POLICY": "DROP", "DEFAULT_OUTPUT_POLICY": "DROP", "DEFAULT_FORWARD_POLICY": "DROP"}
_SYSCTL = {
    "kernel.randomize_va_space": "2",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.conf.all.rp_filter": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.ip_forward": "0",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv6.conf.all.disable_ipv6": "1",
}
_MODULES = {
    "cloud_init_modules": ("write_files", "users_groups"),
    "cloud_config_modules": ("runcmd",),
    "cloud_final_modules": ("scripts_user",),
}
_SSHD_WORDS = frozenset(
    {
        *(name.lower() for name in _SSHD),
        *("hostkey", "kexalgorithms", "ciphers", "macs", "allowusers", "trustedusercakeys"),
        *("authorizedprincipalsfile", "permituserenvironment", "allowagentforwarding"),
        *("allowstreamlocalforwarding", "gatewayports", "x11forwarding", "clientaliveinterval"),
        *("clientalivecountmax", "compression", "debianbanner", "logingracetime", "maxauthtries"),
        *("maxsessions", "loglevel", "tcpkeepalive", "usedns"),
    }
)
"""Others make exceptions (`Match`), bring in other files, or ask a program who may come in."""

_PASSWORDS = ("passwd", "hashed_passwd", "plain_text_passwd")


def weaknesses(document: CloudConfig) -> Iterator[str]:
    """What the document lacks, or undoes."""
    for check in _CHECKS:
        yield from check(document)


def run_at_boot(document: CloudConfig) -> list[str]:
    """The lines that the first boot runs: those of the files that `runcmd` names, and that these call."""
    lines: list[str] = []
    _follow(document, [path for path in map(_program, _commands(document)) if path], lines, set())
    return lines


def options(lines: Iterable[str]) -> dict[str, str]:
    """Options of a configuration file, a line each, by their names in lower case; the last one counts."""
    found: dict[str, str] = {}
    for line in map(str.strip, lines):
        if line and not line.startswith("#"):
            name, *value = re.split(r"[\s=]+", line, maxsplit=1)
            found[name.lower()] = value[0].strip().strip('"') if value else ""
    return found


def sshd_options(document: CloudConfig) -> dict[str, str]:
    """What sshd goes by, as far as the document says it before cloud-init's own drop-in does."""
    lines = [line for path, line in _sshd_lines(document) if path < _AFTER_OURS]
    return options(reversed(lines))


def _sshd_lines(document: CloudConfig) -> list[tuple[str, str]]:
    texts = document.texts(SSHD_FOLDER, ".conf")
    return [(path, line) for path, text in texts for line in text.splitlines()]


def _commands(document: CloudConfig) -> list[Any]:
    commands = document.config.get("runcmd")
    return commands if isinstance(commands, list) else []


def _program(command: Any) -> str | None:
    """The path of a command that is a path alone."""
    words = command if isinstance(command, list) else str(command).split()
    return str(words[0]) if len(words) == 1 else None


def _follow(document: CloudConfig, paths: list[str], lines: list[str], seen: set[str]) -> None:
    written = {file.path for file in document.files}
    for path in paths:
        if path in written and path not in seen:
            seen.add(path)
            for line in map(str.strip, document.text(path).splitlines()):
                if line in written:
                    _follow(document, [line], lines, seen)
                elif line and not line.startswith("#"):
                    lines.append(line)


def _differing(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}`" for name, value in wanted.items() if found.get(name.lower()) != value)


def _entries(document: CloudConfig) -> Iterator[str]:
    for index, file in enumerate(document.files):
        if document.file(file.path) is None:
            yield f"writes a file more than once (`write_files[{index}]`)"
        if file.text is None:
            yield f"writes a file from a content that can't be read (`write_files[{index}]`)"
        if not file.keys <= {"path", "content", "permissions", "encoding"}:
            yield f"has more in `write_files[{index}]` than path, content, permissions and encoding"
        if file.path not in FILES:
            yield f"writes a file that isn't one of a hardened host's (`write_files[{index}]`)"


def _composition(document: CloudConfig) -> Iterator[str]:
    if others := len(document.config.keys() - KEYS):
        yield f"has {others} top-level key{'s' if others > 1 else ''} that a hardened host's doesn't"
    written = {file.path for file in document.files}
    if any(_program(command) not in written for command in _commands(document)):
        yield "runs by `runcmd` what is no file of its own"
    if "set -eu" not in run_at_boot(document)[:1]:
        yield "doesn't stop its first boot at a step that fails (`set -eu`)"
    for key, needed in _MODULES.items():
        given = document.config.get(key, needed)
        modules = [str(each).replace("-", "_") for each in given] if isinstance(given, list | tuple) else []
        if missing := [each for each in needed if each not in modules]:
            yield f"leaves {', '.join(missing)} out of `{key}`"


def _accounts(document: CloudConfig) -> Iterator[str]:
    config = document.config
    if config.get("disable_root") is not True:
        yield "doesn't shut root out (`disable_root: true`)"
    users = config.get("users")
    if not isinstance(users, list) or not users:
        yield "names no `users`, so the image's own account stays"
        return
    for user in users:
        if not isinstance(user, Mapping) or user.get("name") in ("root", "default"):
            yield "has among `users` another account than one of its own"
        elif user.get("lock_passwd", True) is not True or any(each in user for each in _PASSWORDS):
            yield "gives one of `users` a password"


def _sshd(document: CloudConfig) -> Iterator[str]:
    found = sshd_options(document)
    if missing := _differing(found, _SSHD):
        yield f"has sshd go by another value of {missing}"
    said = [words for _, line in _sshd_lines(document) if (words := _words(line))]
    allowed = [user for name, *users in said if name == "allowusers" for user in users]
    if not allowed or any(re.match(r"root\b|.*[*?]", user) for user in allowed):
        yield "lets sshd take other users than the administrator (`AllowUsers`)"
    if not {name for name, *_ in said} <= _SSHD_WORDS:
        yield "has something in sshd's configuration that a hardened host's doesn't"


def _words(line: str) -> list[str]:
    """A line of sshd's configuration, its option in lower case; empty for a comment."""
    name, *values = re.split(r"[\s=]+", line.strip())
    return [] if not name or name.startswith("#") else [name.lower(), *values]


def _mesh(document: CloudConfig) -> Iterator[str]:
    run = run_at_boot(document)
    key = document.file(KEY_FILE)
    if key is None or key.permissions not in ("0600", "0400"):
        yield f"doesn't write {KEY_FILE}, root's alone and just once"
    joins = _at(run, rf"\btailscale up .*--auth-key=file:{KEY_FILE}( .*)?--ssh=false")
    if joins is None:
        yield "doesn't join the mesh by its key, without Tailscale SSH"
    forgets = _at(run, rf"^rm -f {KEY_FILE}$")
    if forgets is None or (_at(run, r"^trap \w+ EXIT$") is None and forgets < (joins or 0)):
        yield "doesn't remove the mesh's key once it is used"
    if not any("user-data.txt" in line and "rm -f" in line for line in _all_lines(document)):
        yield "doesn't remove the copies that cloud-init keeps of it"
    order = [
        joins,
        _at(run, rf"ListenAddress .*> {SSHD_FOLDER}/0"),
        _at(run, rf"^rm -f {NO_SSHD_FILE}$"),
        _at(run, r"^systemctl (re)?start ssh(\.service)?$"),
    ]
    known = [each for each in order if each is not None]
    if len(known) < len(order) or known != sorted(known) or document.file(NO_SSHD_FILE) is None:
        yield "doesn't keep sshd from starting until it listens on the mesh's address alone"


def _all_lines(document: CloudConfig) -> Iterator[str]:
    for file in document.files:
        yield from (file.text or "").splitlines()


def _at(lines: list[str], pattern: str) -> int | None:
    """Where the first line is that has the pattern."""
    return next((index for index, line in enumerate(lines) if re.search(pattern, line)), None)


def _firewall(document: CloudConfig) -> Iterator[str]:
    run = run_at_boot(document)
    if missing := _differing(options(document.text("/etc/default/ufw").splitlines()), _UFW):
        yield f"has UFW admit by default what no rule speaks of ({missing})"
    enabled = options(document.text("/etc/ufw/ufw.conf").splitlines()).get("enabled") == "yes"
    if not enabled or _at(run, r"^(/lib/ufw/ufw-init start|ufw --force enable)\b") is None:
        yield "doesn't enable UFW, at once and at later boots"
    if any(map(is_another_step, run)):
        yield "does something else to its firewall than start it"
    rules = [line for _, text in document.texts("/etc/ufw", ".rules") for line in text.splitlines()]
    if any(map(may_open, map(str.strip, rules))):
        yield "admits by UFW more than the mesh and named ranges"


def _services(document: CloudConfig) -> Iterator[str]:
    run = run_at_boot(document)
    jail = document.text("/etc/fail2ban/jail.local").partition("[sshd]")[2].partition("\n[")[0]
    if (
        options(jail.splitlines()).get("enabled") != "true"
        or _at(run, r"^systemctl (re)?start fail2ban") is None
    ):
        yield "doesn't start fail2ban with a jail for sshd"
    audited = [
        line for _, text in document.texts("/etc/audit/rules.d", ".rules") for line in text.splitlines()
    ]
    if not {"-w", "-a"} <= {line[:2] for line in audited} or "-e 2" not in audited[-1:]:
        yield "has no audit rules that can't be changed (`-e 2` at their end)"
    if _at(run, r"^augenrules\b") is None:
        yield "doesn't load its audit rules"
    periodic = "\n".join(text for _, text in document.texts("/etc/apt/apt.conf.d"))
    if re.findall(r'^APT::Periodic::Unattended-Upgrade "(\w+)";$', periodic, re.MULTILINE)[-1:] != ["1"]:
        yield "doesn't install security fixes by itself (unattended-upgrades)"
    if missing := _differing(_kernel_settings(document), _SYSCTL):
        yield f"has the kernel go by another value of {missing}"
    if _at(run, r"^sysctl\b") is None:
        yield "doesn't apply its kernel settings"


def _kernel_settings(document: CloudConfig) -> dict[str, str]:
    texts = [
        *(text for _, text in document.texts("/etc/sysctl.d", ".conf")),
        document.text("/etc/sysctl.conf"),
    ]
    found = options(line.lstrip("- ") for text in texts for line in text.splitlines())
    return {name.replace("/", "."): value for name, value in found.items()}


_CHECKS: tuple[Callable[[CloudConfig], Iterator[str]], ...] = (
    _entries,
    _composition,
    _accounts,
    _sshd,
    _mesh,
    _firewall,
    _services,
)
