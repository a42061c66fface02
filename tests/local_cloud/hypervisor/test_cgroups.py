"""Where groups are made and what is written, on each of the three layouts that Linux has."""

import subprocess
from pathlib import Path

import pytest

from local_cloud.hypervisor.containers.cgroups import Cgroups, Limits, joining
from local_cloud.hypervisor.model import HypervisorError

LIMITS = Limits(memory_mib=512, cpus=2)


def hybrid(root: Path) -> Path:
    for name in ("systemd", "unified", "memory", "cpu", "pids"):
        (root / name).mkdir()
        (root / name / "cgroup.procs").touch()
    return root


def unified(root: Path) -> Path:
    (root / "cgroup.controllers").write_text("cpu io memory pids\n")
    (root / "cgroup.subtree_control").touch()
    return root


def with_files(root: Path, *files: str) -> None:
    """The kernel makes these in every group; here a group has to exist first."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()


def test_on_a_hybrid_layout_every_hierarchy_is_joined(tmp_path: Path) -> None:
    procs = Cgroups("k", hybrid(tmp_path)).create("droplet-1", LIMITS)
    below = "local-cloud-k/droplet-1/inside/cgroup.procs"
    expected = [tmp_path / name / below for name in ("systemd", "unified", "cpu", "memory", "pids")]
    assert list(procs) == expected, "systemd's own and each controller's"


def test_limits_are_above_the_group_that_the_machine_sees_as_its_root(tmp_path: Path) -> None:
    group = "local-cloud-k/droplet-1"
    with_files(
        hybrid(tmp_path),
        f"memory/{group}/memory.limit_in_bytes",
        f"cpu/{group}/cpu.cfs_quota_us",
        f"memory/{group}/inside/memory.limit_in_bytes",
    )
    Cgroups("k", tmp_path).create("droplet-1", LIMITS)
    assert (tmp_path / "memory" / group / "memory.limit_in_bytes").read_text() == str(512 << 20), "memory"
    assert (tmp_path / "cpu" / group / "cpu.cfs_quota_us").read_text() == "200000", "two processors"
    inside = tmp_path / "memory" / group / "inside/memory.limit_in_bytes"
    assert inside.read_text() == "", "what the machine may change is not what holds it"


def test_on_cgroup_v2_the_controllers_are_delegated_and_limits_set(tmp_path: Path) -> None:
    group = "local-cloud-k/droplet-1"
    with_files(unified(tmp_path), f"{group}/memory.max", f"{group}/cpu.max", f"{group}/pids.max")
    procs = Cgroups("k", tmp_path).create("droplet-1", LIMITS)
    assert procs == (tmp_path / group / "inside/cgroup.procs",), "there is one hierarchy"
    assert (tmp_path / group / "memory.max").read_text() == str(512 << 20), "memory"
    assert (tmp_path / group / "cpu.max").read_text() == "200000 100000", "two processors"
    for parent in ("", "local-cloud-k", group):
        delegated = (tmp_path / parent / "cgroup.subtree_control").read_text()
        assert delegated in {"+cpu", "+memory", "+pids"}, "each level hands its controllers down"


def test_controllers_mounted_together_are_used_once(tmp_path: Path) -> None:
    (tmp_path / "cpu,cpuacct").mkdir()
    (tmp_path / "cpu,cpuacct/cgroup.procs").touch()
    for name in ("cpu", "cpuacct"):
        (tmp_path / name).symlink_to("cpu,cpuacct")
    assert len(Cgroups("k", tmp_path).create("droplet-1", LIMITS)) == 1, "two names, one hierarchy"


def test_a_database_has_no_processor_limit_but_a_memory_limit(tmp_path: Path) -> None:
    with_files(hybrid(tmp_path), "cpu/local-cloud-k/database-1/cpu.cfs_quota_us")
    Cgroups("k", tmp_path).create("database-1", Limits(memory_mib=64))
    quota = (tmp_path / "cpu/local-cloud-k/database-1/cpu.cfs_quota_us").read_text()
    assert quota == "-1", "it gets the time that is there"


def test_all_groups_of_one_cloud_go_and_no_others(tmp_path: Path) -> None:
    mine, other = Cgroups("mine", hybrid(tmp_path)), Cgroups("other", tmp_path)
    for cgroups in (mine, other):
        for member in ("droplet-1", "droplet-2"):
            cgroups.create(member, LIMITS)
    mine.remove("droplet-1")
    assert not (tmp_path / "memory/local-cloud-mine/droplet-1").exists(), "one member is gone"
    assert (tmp_path / "memory/local-cloud-mine/droplet-2").exists(), "not the next"
    mine.remove_all()
    mine.remove_all()
    assert list(tmp_path.glob("*/local-cloud-mine")) == [], "all are gone"
    assert len(list(tmp_path.glob("*/local-cloud-other/droplet-2"))) == 5, "another cloud's are not"


def test_a_group_that_cannot_be_made_says_where_and_why(tmp_path: Path) -> None:
    hybrid(tmp_path)
    (tmp_path / "memory/local-cloud-k").write_text("in the way")
    with pytest.raises(
        HypervisorError, match=r"no control group with these limits for droplet-1: .*memory/local-cloud-k"
    ):
        Cgroups("k", tmp_path).create("droplet-1", LIMITS)


def test_a_command_joins_its_groups_before_it_starts(tmp_path: Path) -> None:
    procs = [tmp_path / "one", tmp_path / "two"]
    done = subprocess.run(joining(procs, ["echo", "a  b"]), capture_output=True, text=True, check=True)
    assert done.stdout == "a  b\n", "its arguments are as they were"
    assert [file.read_text() for file in procs] == ["0\n", "0\n"], "it moved itself first"


def test_a_command_that_cannot_join_is_not_started(tmp_path: Path) -> None:
    command = joining([tmp_path / "missing/cgroup.procs"], ["echo", "started"])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, ""), "or it would run without its limits"
