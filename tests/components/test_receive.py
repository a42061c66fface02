"""`receive` as a program of its own, against a folder that stands for a host's root."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.cloud_init import receive as program
from tests.recorded_stack import secret_of

CONFIDENTIAL = secret_of("database")
HOSTS = "127.0.0.1 localhost\n127.0.1.1 acme-agent-writer-1\n"


def a_release(exit_code: int = 0) -> bytes:
    """A program that notes that its `install` was run, with what it found in /etc/tenantry."""
    return (
        "import pathlib, sys\n"
        "root = pathlib.Path(__file__).parents[0]\n"
        "while not (root / 'etc/hosts').exists(): root = root.parent\n"
        "with (root / 'installed').open('a') as log: log.write(' '.join(sys.argv[1:]) + '\\n')\n"
        f"sys.exit({exit_code})\n"
    ).encode()


class Host:
    """A root folder with what cloud-init has made of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "etc").mkdir()
        (root / "etc/hosts").write_text(HOSTS)
        self.incoming = root / "var/lib/tenantry/incoming"
        self.incoming.mkdir(parents=True)

    def send(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        (self.incoming / f"{digest}.pyz").write_bytes(content)
        return digest

    def receive(self, sent: object) -> subprocess.CompletedProcess[str]:
        text = sent if isinstance(sent, str) else json.dumps(sent)
        return subprocess.run(
            [sys.executable, "-I", str(program.__file__), str(self.root)],
            input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def delivered(self, sent: dict[str, Any]) -> dict[str, Any]:
        done = self.receive(sent)
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def file(self, name: str) -> Path:
        return self.root / "etc/tenantry" / name

    @property
    def installs(self) -> int:
        log = self.root / "installed"
        return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def parcel(digest: str, **changes: Any) -> dict[str, Any]:
    files = [
        {"name": "pg_service.conf", "mode": "0600", "content": f"password={CONFIDENTIAL}\n"},
        {"name": "database-ca.crt", "mode": "0644", "content": "CA\n"},
    ]
    return {"files": files, "names": {"db.example": "10.32.0.3"}, "release": digest, **changes}


def test_everything_that_was_sent_is_in_its_place(host: Host) -> None:
    said = host.delivered(parcel(host.send(a_release())))
    assert host.file("pg_service.conf").read_text() == f"password={CONFIDENTIAL}\n"
    assert host.file("pg_service.conf").stat().st_mode & 0o777 == 0o600, "a secret is root's alone"
    assert host.file("database-ca.crt").stat().st_mode & 0o777 == 0o644
    assert (host.root / "etc/hosts").read_text() == (
        f"{HOSTS}# tenantry: begin\n10.32.0.3 db.example\n# tenantry: end\n"
    )
    assert host.installs == 1, "the release was installed"
    assert said["changed"] == ["pg_service.conf", "database-ca.crt", "hosts"]
    assert not list(host.incoming.iterdir()), "what was taken is not left"
    assert not list((host.root / "opt/tenantry").iterdir()), "nor is the copy that was run"


def test_what_did_not_change_is_not_written(host: Host) -> None:
    digest = host.send(a_release())
    host.delivered(parcel(digest))
    before = {path.name: path.stat().st_ino for path in host.file("").iterdir()}
    host.send(a_release())
    names = {"db.example": "10.32.0.9"}
    assert host.delivered(parcel(digest, names=names))["changed"] == ["hosts"], "only what differs"
    assert {path.name: path.stat().st_ino for path in host.file("").iterdir()} == before
    assert (host.root / "etc/hosts").read_text().count("tenantry: begin") == 1, "one block, replaced"
    assert "10.32.0.3" not in (host.root / "etc/hosts").read_text(), "the old address has gone"


def test_a_wrong_mode_is_mended(host: Host) -> None:
    digest = host.send(a_release())
    host.delivered(parcel(digest))
    host.file("pg_service.conf").chmod(0o644)
    host.send(a_release())
    assert host.delivered(parcel(digest))["changed"] == ["pg_service.conf"]
    assert host.file("pg_service.conf").stat().st_mode & 0o777 == 0o600


def test_an_installed_release_need_not_be_sent_again(host: Host) -> None:
    content = a_release()
    digest = hashlib.sha256(content).hexdigest()
    installed = host.root / "opt/tenantry/releases" / digest / "agent_runtime.pyz"
    installed.parent.mkdir(parents=True)
    installed.write_bytes(content)
    host.delivered(parcel(digest))
    assert host.installs == 1, "its install runs again: what it configures may have changed"
    assert installed.exists(), "and it stays"


def test_a_damaged_release_is_refused_and_never_run(host: Host) -> None:
    digest = host.send(a_release())
    (host.incoming / f"{digest}.pyz").write_bytes(a_release()[:40])
    done = host.receive(parcel(digest))
    assert done.returncode == 1
    assert f"the release {digest[:12]}" in done.stderr
    assert "damaged: send it again" in done.stderr, done.stderr
    assert host.installs == 0


def test_a_release_that_was_never_sent_is_said(host: Host) -> None:
    done = host.receive(parcel("0" * 64))
    assert done.returncode == 1
    assert "No such file" in done.stderr, done.stderr
    assert "send it again" in done.stderr, "what to do"


def test_a_link_in_place_of_a_release_is_not_followed(host: Host, tmp_path: Path) -> None:
    content = a_release()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (host.incoming / f"{digest}.pyz").symlink_to(elsewhere)
    assert host.receive(parcel(digest)).returncode == 1, "root reads no file that the sender chooses"
    assert host.installs == 0


def test_an_install_that_fails_is_said_and_can_be_repeated(host: Host) -> None:
    digest = host.send(a_release(exit_code=3))
    done = host.receive(parcel(digest))
    assert done.returncode == 1
    assert "`install` ended with 3" in done.stderr, done.stderr
    assert (host.incoming / f"{digest}.pyz").exists(), "the release need not be sent again"
    assert not list((host.root / "opt/tenantry").glob("*.pyz")), "no copy is left"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": None}, "files is no list"),
        ({"names": []}, "names is no dict"),
        ({"more": 1}, "keys files, names, release"),
        ({"release": "latest"}, "SHA-256"),
        ({"release": "../../etc/passwd"}, "SHA-256"),
        ({"names": {"db.example": "10.32.0.3\n0.0.0.0 x"}}, "address of db.example"),
        ({"names": {"db example": "10.32.0.3"}}, "no host name"),
        ({"names": {"db.example": 7}}, "address of db.example"),
        ({"files": [{"name": "../passwd", "mode": "0600", "content": ""}]}, "no plain name"),
        ({"files": [{"name": ".hidden", "mode": "0600", "content": ""}]}, "no plain name"),
        ({"files": [{"name": "a", "mode": "4755", "content": ""}]}, "mode of 0600, 0644"),
        ({"files": [{"name": "a", "mode": "0600"}]}, "name, mode and content"),
        ({"files": [{"name": "a", "mode": "0600", "content": 1}]}, "and a text"),
        ({"files": [{"name": "a", "mode": "0600", "content": ""}] * 2}, "a name twice"),
    ],
)
def test_what_is_not_as_agreed_changes_nothing(host: Host, changes: dict[str, Any], said: str) -> None:
    done = host.receive(parcel(host.send(a_release()), **changes))
    assert done.returncode == 1
    assert said in done.stderr, done.stderr
    assert not list(host.file("").iterdir()), "nothing was written"
    assert (host.root / "etc/hosts").read_text() == HOSTS
    assert host.installs == 0


def test_text_that_is_no_json_is_refused_without_showing_it(host: Host) -> None:
    done = host.receive(f"password={CONFIDENTIAL}")
    assert done.returncode == 1
    assert "no JSON" in done.stderr
    assert CONFIDENTIAL not in done.stderr + done.stdout, "what came is never shown"


def test_no_secret_is_shown_when_all_is_well(host: Host) -> None:
    done = host.receive(parcel(host.send(a_release())))
    assert CONFIDENTIAL not in done.stderr + done.stdout


def test_a_file_is_never_half_written(host: Host) -> None:
    digest = host.send(a_release())
    leftover = host.file(".pg_service.conf.new")
    leftover.parent.mkdir(parents=True)
    leftover.write_text("half of")
    host.delivered(parcel(digest))
    assert host.file("pg_service.conf").read_text() == f"password={CONFIDENTIAL}\n", (
        "an interrupted run is repeated"
    )
    assert not leftover.exists()
