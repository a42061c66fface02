"""A real sshd on loopback: that of the droplet image, in a mount namespace of its own."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

MANIFEST = Path(__file__).parents[3] / ".tenantry" / "toolchain.json"
START = """
set -e
mount --make-rprivate /
mount --bind --read-only "$1" "$1"
mount -t tmpfs none "$1/run"
mkdir "$1/run/sshd"
mount --bind "$2" "$1/mnt"
mount --bind "$2/passwd" "$1/etc/passwd"
mount --bind "$2/shadow" "$1/etc/shadow"
exec chroot "$1" /usr/sbin/sshd -D -e -f /mnt/sshd_config
"""
USERS = """\
root:x:0:0::/root:/bin/sh
guest:x:1000:65534::/mnt:/bin/sh
sshd:x:102:65534::/run/sshd:/bin/false
"""
CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey /mnt/host_key
AuthorizedKeysFile /mnt/authorized_keys
TrustedUserCAKeys /mnt/ca.pub
PermitRootLogin yes
StrictModes no
UsePAM no
AcceptEnv ACCEPTED
Subsystem sftp internal-sftp
PidFile none
"""


@dataclass
class SshServer:
    """Its folder is /mnt in it, and all else of it is read-only. Its users are root and guest."""

    folder: Path
    port: int
    password: str
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host_key(self) -> str:
        return (self.folder / "host_key.pub").read_text().strip()

    def connection(self, **more: Any) -> dict[str, Any]:
        """How a program says where it is."""
        return {"host": "127.0.0.1", "port": self.port, "hostKey": self.host_key, "dialErrorLimit": 0, **more}

    def trust(self, public_key: str) -> None:
        (self.folder / "authorized_keys").write_text(public_key)

    def journal(self) -> str:
        return (self.folder / "journal").read_text()


def make_key(path: Path) -> str:
    """A key pair at the path; the answer is the private key."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.read_text()


def certify(key: Path, ca: Path, principal: str, validity: str = "+5m") -> None:
    """A user certificate for the key, beside it."""
    command = ["ssh-keygen", "-q", "-s", ca, "-I", "test", "-n", principal, "-V", validity]
    subprocess.run([*command, f"{key}.pub"], check=True, stderr=subprocess.DEVNULL)


@contextmanager
def agent_with(*keys: Path) -> Iterator[str]:
    """The socket of an SSH agent that holds these keys, and their certificates where they have one."""
    socket_path = keys[0].with_name(f"agent-{secrets.token_hex(3)}")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket_path], stdout=subprocess.DEVNULL)
    try:
        wait_for(socket_path.exists, "the agent")
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket_path)}
        subprocess.run(["ssh-add", "-q", *keys], env=environment, check=True)
        yield str(socket_path)
    finally:
        agent.terminate()
        agent.wait()


@contextmanager
def serve_ssh(folder: Path) -> Iterator[SshServer]:
    server = SshServer(folder, free_port(), secrets.token_urlsafe(12))
    image = _image()
    _prepare(server)
    arguments = ["unshare", "--mount", "sh", "-c", START, "sshd", image, folder]
    with (folder / "journal").open("wb") as journal:
        server.process = subprocess.Popen(arguments, stdout=journal, stderr=journal)
    try:
        wait_for(lambda: is_open(server.port), "sshd")
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def _prepare(server: SshServer) -> None:
    server.folder.chmod(0o755)  # for guest; pytest's own folders are closed to it
    make_key(server.folder / "host_key")
    make_key(server.folder / "ca")
    server.trust("")
    (server.folder / "sshd_config").write_text(CONFIG.format(port=server.port))
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"],
        input=server.password, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (server.folder / "passwd").write_text(USERS)
    shadows = (f"{user}:{hashed.stdout.strip()}:20000:0:99999:7:::\n" for user in ("root", "guest"))
    (server.folder / "shadow").write_text("".join(shadows))


def _image() -> str:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("the sshd of the droplet image needs Linux and root")
    if not MANIFEST.exists():
        pytest.fail(f"there is no {MANIFEST}: run `python -m toolchain` first")
    images: Mapping[str, str] = json.loads(MANIFEST.read_text())["images"]
    return images["debian-12-x64"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Any, what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come in {seconds} s"
        time.sleep(0.02)
