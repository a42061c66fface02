"""Volumes are block devices with file systems, and what is on them outlives the machine."""

import subprocess
from pathlib import Path

import pytest
from isolation import isolated
from stage import droplet, machine_room

from local_cloud.hypervisor.containers.cgroups import Cgroups
from local_cloud.hypervisor.model import HypervisorError, Volume
from local_cloud.hypervisor.volumes.volumes import Volumes

DATA = Volume(id="v1", name="acme-data", size_gib=1, filesystem="ext4", label="data")
DEVICE = "/dev/disk/by-id/scsi-0DO_Volume_acme-data"


def test_a_volume_is_a_sparse_file_with_the_file_system_asked_for(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path, Cgroups("none", tmp_path))
    volumes.create(DATA)
    image = tmp_path / "v1.img"
    volumes.create(DATA)
    assert image.stat().st_size == 1 << 30, "it has the size asked for"
    assert image.stat().st_blocks * 512 < 100 << 20, "it takes up what is written, not its size"
    label = subprocess.run(["e2label", str(image)], capture_output=True, text=True, check=True).stdout.strip()
    assert label == "data", "the file system has its label"


def test_a_volume_without_a_file_system_is_empty(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path, Cgroups("none", tmp_path))
    volumes.create(Volume(id="v2", name="raw", size_gib=1))
    assert (tmp_path / "v2.img").stat().st_blocks == 0, "nothing is written to it"
    volumes.delete("v2")
    volumes.delete("v2")
    assert list(tmp_path.iterdir()) == [], "delete leaves nothing"


def test_a_volume_grows_and_never_shrinks(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path, Cgroups("none", tmp_path))
    volumes.create(Volume(id="v1", name="raw", size_gib=2))
    volumes.resize("v1", 3)
    assert (tmp_path / "v1.img").stat().st_size == 3 << 30, "it has grown"
    with pytest.raises(HypervisorError, match="can't shrink to 1 GiB"):
        volumes.resize("v1", 1)


def test_a_volume_is_in_one_machine_at_a_time_and_not_deleted_there(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path, Cgroups("none", tmp_path))
    volumes.create(Volume(id="v1", name="raw", size_gib=1))
    volumes.assign(7, ["v1"])
    with pytest.raises(HypervisorError, match="attached to droplet 7: detach it first"):
        volumes.assign(8, ["v1"])
    with pytest.raises(HypervisorError, match="attached to droplet 7: detach it first"):
        volumes.delete("v1")
    volumes.assign(7, [])
    volumes.assign(8, ["v1"])


def test_an_unknown_volume_is_named(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path, Cgroups("none", tmp_path))
    with pytest.raises(HypervisorError, match=r"no volume v9 at .*: create it first"):
        volumes.assign(7, ["v9"])


@isolated
def test_a_volume_keeps_its_data_through_detach_power_cycle_and_rebuild(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.volumes.create(DATA)
        room.machines.create(droplet())
        room.machines.attach_volume(DATA, 1)
        room.machines.attach_volume(DATA, 1)
        room.shell(f"mount {DEVICE} /mnt && echo kept > /mnt/note")
        room.machines.detach_volume("v1", 1)
        assert room.shell(f"ls /mnt; test -e {DEVICE} || echo gone") == "gone", "unmounted and unplugged"
        room.machines.stop(1, graceful=True)
        room.machines.attach_volume(DATA, 1)
        room.machines.start(droplet(), ["v1"])
        assert room.shell(f"mount {DEVICE} /mnt; cat /mnt/note") == "kept", "it is there when it boots"
        room.machines.rebuild(droplet(), ["v1"])
        assert room.shell(f"mount {DEVICE} /mnt; cat /mnt/note") == "kept", "a rebuild does not touch it"
        room.restart()
        room.machines.start(droplet(), ["v1"])
        assert room.shell(f"mount {DEVICE} /mnt; cat /mnt/note") == "kept", "nor does a crash"


@isolated
def test_a_volume_moves_to_another_machine_and_the_first_cannot_open_it(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.volumes.create(DATA)
        for number in (1, 2):
            room.machines.create(droplet(number))
        room.machines.attach_volume(DATA, 1)
        room.shell(f"mount {DEVICE} /mnt; echo moved > /mnt/note")
        with pytest.raises(HypervisorError, match="attached to droplet 1"):
            room.machines.attach_volume(DATA, 2)
        room.machines.detach_volume("v1", 1)
        room.machines.attach_volume(DATA, 2)
        assert room.shell(f"mount {DEVICE} /mnt; cat /mnt/note", machine=2) == "moved", "its data comes along"
        number = room.shell("stat -L -c %r /dev/sda", machine=2)
        minor = int(number) & 0xFF
        said = room.shell(f"mkdir /d; mount -t devtmpfs d /d; head -c1 /d/loop{minor}")
        assert "not permitted" in said, f"the machine that had it can't read it any more: {said}"


@isolated
def test_a_volume_that_grows_while_mounted_is_larger_at_once(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.volumes.create(DATA)
        room.machines.create(droplet(), ["v1"])
        assert room.shell("blockdev --getsize64 /dev/sda") == str(1 << 30), "the size it was made with"
        room.volumes.resize("v1", 2)
        assert room.shell("blockdev --getsize64 /dev/sda") == str(2 << 30), "the device has grown"
        grown = room.shell("e2fsck -fy /dev/sda >/dev/null 2>&1; resize2fs /dev/sda 2>&1")
        assert "is now 524288 (4k) blocks" in grown, f"its file system can follow: {grown}"


@isolated
def test_what_a_machine_puts_in_its_dev_is_not_followed(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.volumes.create(DATA)
        room.machines.create(droplet())
        room.shell("ln -s /etc /dev/disk")
        with pytest.raises(HypervisorError, match="/dev/disk/by-id in the droplet can't be used"):
            room.machines.attach_volume(DATA, 1)
        assert not Path("/etc/by-id").exists(), "a link of theirs leads nowhere out here"
