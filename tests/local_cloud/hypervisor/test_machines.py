"""Droplets are real machines: they boot, obey the power button, and come back from their disks."""

from pathlib import Path

import pytest
from isolation import isolated
from stage import MachineRoom, droplet, eventually, machine_room

from local_cloud.hypervisor.model import HypervisorError

USER_DATA = "#cloud-config\nruncmd:\n  - echo it ran > /root/ran\n"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublicHalfOfNoPrivateKeyAtAllJustForThis0 somebody"


def cloud_init_has_finished(room: MachineRoom) -> None:
    eventually(lambda: room.shell("test -e /run/cloud-init/result.json && echo yes") == "yes", "cloud-init")


@isolated
def test_a_new_machine_boots_and_cloud_init_runs_its_user_data(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.machines.create(droplet(user_data=USER_DATA, ssh_keys=(KEY,)))
        assert room.shell("systemctl is-system-running") != "offline", "create returns when systemd answers"
        cloud_init_has_finished(room)
        assert room.shell("cat /root/ran") == "it ran", "user-data is run"
        assert room.inside("hostname") == "acme-agent-1", "the machine has the droplet's name"
        assert KEY in room.shell("cat /root/.ssh/authorized_keys"), "root has the account's keys"
        seed = room.shell("stat -c '%a %U' /var/lib/cloud/seed/nocloud/user-data")
        assert seed == "600 root", "user-data may hold secrets"
        assert room.shell("cloud-init query ds.meta_data.instance-id").startswith("1-"), (
            "NoCloud is the source"
        )


@isolated
def test_power_actions_stop_and_start_the_same_disk(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.machines.create(droplet())
        room.shell("echo kept > /root/note")
        identity = room.shell("cat /etc/machine-id")
        for graceful in (True, False):
            room.machines.stop(1, graceful=graceful)
            assert not room.machines.is_running(1), "it is off when stop returns"
            assert room.machines.leader(1) is None, "nothing of it runs"
            assert not (tmp_path / "machines/1/root").is_mount(), "its disk is not mounted while it is off"
            room.machines.start(droplet())
            assert room.shell("cat /root/note /etc/machine-id") == f"kept\n{identity}", "its disk is the same"
        assert len(identity) == 32, "a machine has an identity of its own"


@isolated
def test_a_machine_that_reboots_itself_comes_back_and_one_that_powers_off_stays_off(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.machines.create(droplet())
        first = room.machines.leader(1)
        room.shell("iptables -A INPUT -p tcp --dport 9 -j DROP; echo kept > /root/note; systemctl reboot")
        eventually(lambda: room.machines.leader(1) not in {None, first}, "a new boot")
        eventually(lambda: room.shell("test -S /run/systemd/private && cat /root/note") == "kept", "systemd")
        assert "dport 9" not in room.shell("iptables -S"), "rules in memory end with a boot"
        room.shell("systemctl poweroff")
        eventually(lambda: not room.machines.is_running(1), "off")
        room.machines.start(droplet())
        assert room.shell("cat /root/note") == "kept", "it can be started again"


@isolated
def test_a_machine_starts_from_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.machines.create(droplet())
        room.shell("echo kept > /root/note; sync")
        room.restart()
        (tmp_path / "machines/1/work/work/stale").mkdir(parents=True)
        room.machines.start(droplet())
        assert room.shell("cat /root/note") == "kept", "the disk outlives the supervisor"


@isolated
def test_a_rebuild_is_a_new_machine_on_the_same_droplet(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.machines.create(droplet())
        identity = room.shell("touch /root/old; cat /etc/machine-id")
        room.machines.rebuild(droplet())
        assert room.shell("ls /root/old").startswith("ls: cannot access"), "the disk is wiped"
        assert room.shell("cat /etc/machine-id") != identity, "it has another identity"
        room.machines.delete(1)
        room.machines.delete(1)
        assert list((tmp_path / "machines").iterdir()) == [], "delete leaves nothing, and can be repeated"
        assert list(Path("/sys/fs/cgroup").glob("*/local-cloud-test-*/droplet-1")) == [], "nor control groups"


@isolated
def test_what_cannot_start_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        with pytest.raises(HypervisorError, match="has no disk: rebuild it"):
            room.machines.start(droplet())
        with pytest.raises(HypervisorError, match=r"no image 'plan9'.*debian-12-x64"):
            room.machines.create(droplet(image="plan9"))
        assert not room.machines.is_running(1), "a machine that failed to start is off"


@isolated
def test_a_machine_has_the_limits_of_its_size_and_cannot_lift_them(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.machines.create(droplet(vcpus=1, memory_mib=512))
        group = next(Path("/sys/fs/cgroup").glob("memory/local-cloud-test-*/droplet-1"), None)
        if group is None:
            pytest.skip("the limits are read from cgroup v1 here")
        memory = group / "memory.limit_in_bytes"
        assert memory.read_text() == f"{512 << 20}\n", "memory of the size"
        quota = Path(str(group).replace("/memory/", "/cpu/")) / "cpu.cfs_quota_us"
        assert quota.read_text() == "100000\n", "one processor of the size"
        room.shell("mkdir /c; mount -t cgroup -o memory c /c; echo -1 > /c/memory.limit_in_bytes")
        assert memory.read_text() == f"{512 << 20}\n", (
            "root in the droplet sees only what is below its limits"
        )
        room.machines.stop(1, graceful=False)
        room.machines.start(droplet(vcpus=2, memory_mib=1024))
        assert memory.read_text() == f"{1024 << 20}\n", "a resize takes hold at the next boot"


@isolated
def test_root_in_a_machine_cannot_reach_the_host_and_its_devices(tmp_path: Path) -> None:
    with machine_room(tmp_path) as room:
        room.machines.create(droplet())
        refused = {
            "making a device node": "mknod /root/disk b 7 0",
            "opening the kernel's memory": "mkdir /d; mount -t devtmpfs d /d; head -c1 /d/kmsg /d/loop0",
            "writing a kernel setting": "echo 1 > /proc/sys/kernel/panic",
            "rebooting by sysrq": "echo b > /proc/sysrq-trigger",
            "loading a module": "python3 -c 'import ctypes; c = ctypes.CDLL(None, use_errno=True);"
            'print("loaded" if c.syscall(175, b"", 0, b"") == 0 else "Operation not permitted")\'',
            "setting the clock": "date -s 2001-01-01",
        }
        for what, script in refused.items():
            said = room.shell(f"{script} || echo status $?").lower()
            assert any(word in said for word in ("not permitted", "read-only", "nonexistent")), (
                f"{what}: {said}"
            )
        assert room.shell("sysctl -w net.ipv4.ip_forward=0"), "but its network's settings are its own"
        assert "1" in room.shell("cat /proc/sys/net/ipv4/ip_unprivileged_port_start"), "and can be read"
        assert room.shell(f"ls {tmp_path}").startswith("ls: cannot access"), (
            "the state directory is out of sight"
        )
        descriptors = room.shell("ls -l /proc/1/fd")
        assert str(tmp_path) not in descriptors, "init has inherited no file of the supervisor"
        assert room.shell("test -c /dev/net/tun && echo yes") == "yes", "the mesh has its TUN device"
