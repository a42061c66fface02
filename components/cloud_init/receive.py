#!/usr/bin/python3 -I
"""Takes what a host is sent over the mesh: its files in /etc/tenantry, its names, its release.

Run as root (`sudo /usr/local/lib/tenantry/receive`) with one JSON object on standard input. All of it is
checked before anything is written; a file is replaced at once or not at all, and only when it differs. What
came is never shown. This program is part of user-data, so a change of it replaces hosts: what may change
often comes with the release, whose own `install` is run in the end.
"""

import fcntl
import hashlib
import ipaddress
import json
import os
import re
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

KEYS = {"files": list, "names": dict, "release": str}
MODES = {"0600": 0o600, "0644": 0o644}
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
DIGEST = re.compile(r"[0-9a-f]{64}")
BEGIN, END = "# tenantry: begin", "# tenantry: end"
LARGEST_RELEASE = 64 * 1024 * 1024


def refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"receive: {reason}; nothing more was changed\n")
    sys.exit(1)


def checked(text: str) -> dict[str, Any]:
    """The object that was sent, when every part of it is as agreed."""
    try:
        sent = json.loads(text)
    except ValueError:
        refuse("what came is no JSON")
    if not isinstance(sent, dict) or sent.keys() != KEYS.keys():
        refuse(f"wanted an object with the keys {', '.join(KEYS)}")
    for key, kind in KEYS.items():
        if not isinstance(sent[key], kind):
            refuse(f"{key} is no {kind.__name__}")
    for file in sent["files"]:
        check_file(file)
    if len({file["name"] for file in sent["files"]}) != len(sent["files"]):
        refuse("files has a name twice")
    for name, address in sent["names"].items():
        check_name(name, address)
    if not DIGEST.fullmatch(sent["release"]):
        refuse("release is no SHA-256 in hexadecimal")
    return sent


def check_file(file: Any) -> None:
    if not isinstance(file, dict) or file.keys() != {"name", "mode", "content"}:
        refuse("a file needs name, mode and content, and no more")
    if not isinstance(file["name"], str) or not FILE_NAME.fullmatch(file["name"]):
        refuse("a file's name is no plain name in lower case")
    if file["mode"] not in MODES or not isinstance(file["content"], str):
        refuse(f"{file['name']} needs a mode of {', '.join(MODES)}, and a text")


def check_name(name: str, address: Any) -> None:
    if not HOST_NAME.fullmatch(name):
        refuse("names has something that is no host name")
    try:
        ipaddress.IPv4Address(str(address))
    except ValueError:
        refuse(f"the address of {name} is no IPv4 address")


def write(path: Path, content: str, mode: int) -> bool:
    """Replace a file at once, when it isn't so already; returns whether it was replaced."""
    with suppress(FileNotFoundError):
        if path.read_text() == content and stat.S_IMODE(path.stat().st_mode) == mode:
            return False
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    aside.replace(path)
    return True


def with_names(hosts: str, names: dict[str, str]) -> str:
    """/etc/hosts with these names in a block of their own, in the place of the block that it had."""
    before, _, rest = hosts.partition(f"{BEGIN}\n")
    after = rest.partition(f"{END}\n")[2]
    lines = "".join(f"{address} {name}\n" for name, address in sorted(names.items()))
    return f"{before}{BEGIN}\n{lines}{END}\n{after}"


def install(root: Path, digest: str) -> None:
    """Run the `install` of a copy of the release that is root's alone.

    What lies in `incoming` is its sender's to change at any time: it is read once, and what was read is what
    is compared and run. It stays there until it is installed, so that an interrupted run can be repeated.
    """
    installed = root / "opt/tenantry/releases" / digest / "agent_runtime.pyz"
    if installed.is_file():
        run_install(installed)
        return
    staged = root / "var/lib/tenantry/incoming" / f"{digest}.pyz"
    kept = root / "opt/tenantry" / f"{digest}.pyz"
    kept.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    kept.unlink(missing_ok=True)
    with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(whole(staged, digest))
    try:
        run_install(kept)
    finally:
        kept.unlink(missing_ok=True)
    staged.unlink()


def whole(staged: Path, digest: str) -> bytes:
    try:
        with os.fdopen(os.open(staged, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            content = file.read(LARGEST_RELEASE)
    except OSError as error:
        refuse(f"the release {digest[:12]} is not in {staged.parent} ({error.strerror}): send it again")
    if hashlib.sha256(content).hexdigest() != digest:
        refuse(f"the release {digest[:12]} in {staged.parent} is damaged: send it again")
    return content


def run_install(program: Path) -> None:
    command = ("/usr/bin/python3", "-I", str(program), "install")
    code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode
    if code:
        refuse(f"the release's `install` ended with {code}: what it said is above")


def main(root: Path) -> None:
    folder = root / "etc/tenantry"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
    sent = checked(sys.stdin.read())
    changed = [
        file["name"]
        for file in sent["files"]
        if write(folder / file["name"], file["content"], MODES[file["mode"]])
    ]
    hosts = root / "etc/hosts"
    if write(hosts, with_names(hosts.read_text(), sent["names"]), 0o644):
        changed.append("hosts")
    install(root, sent["release"])
    sys.stdout.write(json.dumps({"changed": changed, "release": sent["release"]}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/"))
