"""Data volumes in real droplets: encrypted on the device, the same data for whoever takes a host's place."""

import os
from collections.abc import Iterator

import pytest
from real_cloud import LocalCloud
from volume_driver import Api, VolumeHost

from components.release import SOURCES, build_release

pytestmark = pytest.mark.end_to_end
DATA = "/var/lib/tenantry/data"
SENTENCE = "the quick brown fox keeps a diary"
NOTES_ITS_ARGUMENTS = """\
#!/bin/sh
printf '%s\\n' "$@" >> /root/seen
exec /usr/bin/fscrypt "$@"
"""


@pytest.fixture(scope="module")
def hosts(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[VolumeHost]]:
    """Two droplets: a host, and the one that takes its place; taken away again at the end."""
    api = Api(cloud=cloud)
    body = {"name": "volumes", "region": "nyc3", "ip_range": "10.78.0.0/24"}
    vpc = api.call("POST", "/vpcs", body)["vpc"]["id"]
    release = build_release(tmp_path_factory.mktemp("release"))
    found = []
    for name in ("volumes-first", "volumes-second"):
        host = VolumeHost(api=api, name=name, droplet=api.droplet(name, vpc))
        host.deliver(release.path, SOURCES / "units" / "fscrypt.json")
        found.append(host)
    yield found
    for host in found:
        api.remove_droplet(host.droplet)
    api.call("DELETE", f"/vpcs/{vpc}")


@pytest.fixture
def host(hosts: list[VolumeHost]) -> VolumeHost:
    return hosts[0]


@pytest.fixture
def key() -> bytes:
    return os.urandom(64)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"v-{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def volume(host: VolumeHost, hosts: list[VolumeHost], name: str) -> Iterator[str]:
    """A new volume, attached to the first host."""
    made = host.api.volume(name)
    host.attach(made)
    yield made
    for each in hosts:
        each.let_go(made)
    host.api.call("DELETE", f"/volumes/{made}")


@pytest.mark.usefixtures("volume")
def test_what_is_written_is_not_on_the_device(host: VolumeHost, name: str, key: bytes) -> None:
    assert host.unlock(name, key) == ""
    host.shell(f"echo '{SENTENCE}' > {DATA}/diary; sync")
    device = f"/dev/disk/by-id/scsi-0DO_Volume_{name}"
    found = host.shell(f"grep -acE 'quick brown|diary' {device}", check=False)
    assert found.strip() == "0", "neither the content nor the name can be read below the file system"


@pytest.mark.usefixtures("volume")
def test_a_locked_volume_shows_nothing_and_opens_again(host: VolumeHost, name: str, key: bytes) -> None:
    host.unlock(name, key)
    host.shell(f"echo '{SENTENCE}' > {DATA}/diary")
    assert host.lock(name) == ""
    assert host.shell(f"ls {DATA}; findmnt {DATA}", check=False) == ""
    assert host.unlock(name, key) == ""
    assert host.unlock(name, key) == "", "twice is as good as once"
    assert host.shell(f"stat -c %a {DATA}").strip() == "711", "services reach the folders that are theirs"
    assert host.shell(f"cat {DATA}/diary").strip() == SENTENCE


def test_a_host_that_takes_anothers_place_reads_its_data(
    hosts: list[VolumeHost], volume: str, name: str, key: bytes
) -> None:
    first, second = hosts
    first.unlock(name, key)
    first.shell(f"echo '{SENTENCE}' > {DATA}/diary")
    assert first.lock(name) == ""
    first.detach(volume)
    second.attach(volume)
    assert second.unlock(name, key) == ""
    assert second.shell(f"cat {DATA}/diary").strip() == SENTENCE


@pytest.mark.usefixtures("volume")
def test_another_key_opens_nothing_and_leaves_nothing_mounted(
    host: VolumeHost, name: str, key: bytes
) -> None:
    host.unlock(name, key)
    host.lock(name)
    assert "restore that in the vault" in host.unlock(name, os.urandom(64))
    assert host.shell("findmnt -n /var/lib/tenantry/volume", check=False) == ""


@pytest.mark.usefixtures("volume")
def test_a_key_is_one_hosts(host: VolumeHost, name: str, key: bytes) -> None:
    host.unlock(name, key)
    host.lock(name)
    assert "incorrect key" in host.unlock(name, key, host="acme-agent-reader-1")


@pytest.mark.usefixtures("volume")
@pytest.mark.parametrize(
    ("made_by", "reason"),
    [
        ("mkfs.ext4 -q", "ext4 without encryption"),
        ("mkswap -q", "holds swap"),
    ],
)
def test_what_is_on_a_volume_is_never_formatted(
    host: VolumeHost, name: str, key: bytes, made_by: str, reason: str
) -> None:
    device = f"/dev/disk/by-id/scsi-0DO_Volume_{name}"
    host.shell(f"{made_by} {device}")
    before = host.shell(f"md5sum {device}")
    assert reason in host.unlock(name, key)
    assert host.shell(f"md5sum {device}") == before


@pytest.mark.usefixtures("volume")
def test_data_in_use_is_not_torn_away(host: VolumeHost, name: str, key: bytes) -> None:
    host.unlock(name, key)
    host.shell(f"echo x > {DATA}/open; (exec 3< {DATA}/open; sleep 60) > /dev/null 2>&1 &")
    assert "stop what uses" in host.lock(name)
    assert host.shell(f"cat {DATA}/open").strip() == "x"
    host.shell("kill $(pgrep --full --exact 'sleep 60')")
    assert host.lock(name) == ""


def test_a_volume_that_grew_has_more_room(host: VolumeHost, volume: str, name: str, key: bytes) -> None:
    host.unlock(name, key)
    host.lock(name)
    host.api.act(volume, type="resize", size_gigabytes=2)
    host.unlock(name, key)
    size = host.shell(f"df --output=size -BM {DATA} | tail -n 1").strip().rstrip("M")
    assert int(size) > 1500


def test_a_volume_that_is_not_attached_is_named(host: VolumeHost, key: bytes) -> None:
    assert "scsi-0DO_Volume_nowhere is missing: attach the volume" in host.unlock("nowhere", key)


@pytest.mark.usefixtures("volume")
def test_the_key_is_in_no_argument(host: VolumeHost, name: str, key: bytes) -> None:
    stand_in = "/usr/local/bin/fscrypt"
    host.shell(f"cat > {stand_in} <<'END'\n{NOTES_ITS_ARGUMENTS}END\nchmod 0755 {stand_in}")
    host.unlock(name, key)
    host.shell(f"rm {stand_in}")
    seen = host.shell("grep '^--key=' /root/seen").split()
    assert seen, "it was called in the program's place"
    assert all(argument.startswith("--key=/proc/self/fd/") for argument in seen), seen
