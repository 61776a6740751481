"""Cores by affinity and by the quota of control groups, with folders that stand for the kernel's."""

from __future__ import annotations

import os
import sys

import pytest

from cvbench_tui.base import cores

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
OTHER = "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    return tmp_path


def system(root, *, mounts: str, group: str, files: dict[str, str]) -> None:
    (root / "proc/self/mountinfo").write_text(mounts)
    (root / "proc/self/cgroup").write_text(group)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_no_control_groups_mean_no_quota(root):
    assert (cores.quota_cores(root), cores.memory_limit_bytes(root)) == (None, None)
    assert cores.usable_cores(root) == len(cores.affinity() or range(os.cpu_count() or 1))


def test_the_quota_of_a_container_whose_group_is_the_mount(root):
    system(root, mounts=OTHER + V2, group="0::/\n", files={"cpu.max": "150000 100000\n"})
    assert cores.quota_cores(root) == 1.5


def test_a_nested_groups_quota_and_those_above_it_all_hold(root):
    files = {"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n", "a/b/c/cpu.max": "250000 100000\n"}
    system(root, mounts=V2, group="0::/a/b/c\n", files=files)
    assert cores.quota_cores(root) == 1.0
    system(root, mounts=V2, group="0::/x\n", files={})
    assert cores.quota_cores(root) is None


def test_version_one_beside_an_empty_version_two(root):
    unified = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    group = "4:memory:/m\n2:cpu,cpuacct:/job\n0::/\n"
    files = {"cpu,cpuacct/job/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n"}
    system(root, mounts=OTHER + V1 + unified, group=group, files=files)
    assert cores.quota_cores(root) == 0.5
    files = {"cpu,cpuacct/job/cpu.cfs_quota_us": "-1\n"}
    system(root, mounts=V1 + unified, group=group, files=files)
    assert cores.quota_cores(root) is None


def test_a_container_that_shares_the_hosts_group_names(root):
    mounts = V2.replace("0:26 / /sys", "0:26 /docker/77 /sys")
    system(root, mounts=mounts, group="0::/docker/77/inner\n", files={"inner/cpu.max": "200000 100000\n"})
    assert cores.quota_cores(root) == 2.0
    system(root, mounts=mounts, group="0::/elsewhere\n", files={"cpu.max": "300000 100000\n"})
    assert cores.quota_cores(root) == 2.0 + 1.0


@pytest.mark.parametrize(
    ("quota", "allowed", "usable"), [(0.5, 64, 1), (1.5, 64, 1), (2.0, 64, 2), (8.0, 4, 4), (None, 64, 64)]
)
def test_a_quota_and_the_affinity_both_limit_the_usable_cores(monkeypatch, root, quota, allowed, usable):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    if quota is not None:
        system(root, mounts=V2, group="0::/\n", files={"cpu.max": f"{int(quota * 100000)} 100000\n"})
    assert cores.usable_cores(root) == usable


@pytest.mark.parametrize(
    ("mounts", "group", "files", "limit"),
    [
        (V2, "0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "4096"}, 4096),
        (V2, "0::/a", {"a/memory.max": "1024", "memory.max": "2048"}, 1024),
        (V2, "0::/of/the/host", {"memory.max": "2048"}, 2048),
        (OTHER, "4:memory:/a", {"memory/a/memory.limit_in_bytes": "4096"}, 4096),
        (OTHER, "4:memory:/a", {"memory/a/memory.limit_in_bytes": str(2**63)}, None),
        (OTHER, "4:memory:/a", {"memory/a/memory.limit_in_bytes": "odd"}, None),
    ],
)
def test_the_lowest_limit_of_memory_of_nested_groups_counts(root, mounts, group, files, limit):
    system(root, mounts=mounts, group=group, files=files)
    assert cores.memory_limit_bytes(root) == limit


@pytest.mark.parametrize("text", ["max 100000", "", "half of it", "50000", "100000 0", "-1 100000"])
def test_what_is_no_quota_is_none(root, text):
    system(root, mounts=V2, group="0::/\n", files={"cpu.max": text})
    assert cores.quota_cores(root) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has affinity")
def test_cores_lost_while_importing_are_given_back():
    before = cores.affinity()
    assert cores.restore_affinity(before) is False
    if len(before) < 2:
        pytest.skip("one core cannot be shrunk")
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores.restore_affinity(before) is True
        assert cores.affinity() == before
    finally:
        os.sched_setaffinity(0, before)


def test_systems_without_affinity_are_left_alone(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores.affinity() is None
    assert cores.restore_affinity(None) is False
    assert cores.usable_cores() >= 1


def test_a_refusal_is_no_crash(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    assert cores.restore_affinity(frozenset({9999})) is False
