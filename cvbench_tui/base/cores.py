"""Cores that this process may use: its affinity, and the quota of its control groups, versions 1 and 2. A container
with a quota of 2 on a machine of 64 cores sees all 64, and is paused when it uses more than two."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cvbench_tui.base.system_files import read_int, read_text

CORES_FOR_APP = 4  # with this many usable cores or more the measurement leaves one to the app
NO_LIMIT_BYTES = 1 << 60  # a control group of version 1 writes a limit beyond any memory where there is none


def affinity() -> frozenset[int] | None:
    """Cores that the calling thread may run on; None on systems that have no such thing."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def restore_affinity(before: frozenset[int] | None) -> bool:
    """Give the calling thread the cores back that it had; True when it had lost some. For right after importing torch:
    OpenMP libraries were seen to leave the importing thread on one core, and all threads made later inherit that
    (pytorch issues 49971, 91989, 107366)."""
    if before is None or not before - (affinity() or frozenset()):
        return False
    try:
        os.sched_setaffinity(0, before)
    except OSError:  # the container's cores were reduced meanwhile, on purpose
        return False
    return True


def usable_cores(root: Path = Path("/")) -> int:
    """Cores by affinity and quota, at least one. Parts of a core are left out: two threads on a quota of 1.5 would be
    stopped together for a quarter of every period of 0.1 s, which is the scheduler's time and not the workload's."""
    allowed = affinity()
    cores = len(allowed) if allowed else os.cpu_count() or 1
    quota = quota_cores(root)
    return cores if quota is None else max(1, min(cores, int(quota)))


def quota_cores(root: Path = Path("/")) -> float | None:
    """Cores by ``cpu.max`` ("50000 100000") or ``cpu.cfs_quota_us``, the least from our group up; None without one."""
    quotas = (_quota(folder) for folder in _group_folders(root, "cpu"))
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit_bytes(root: Path = Path("/")) -> int | None:
    """The smallest limit of memory from this process's control group up; None without one."""
    names = ("memory.max", "memory.limit_in_bytes")
    limits = (read_int(folder / name) for folder in _group_folders(root, "memory") for name in names)
    return min((limit for limit in limits if limit is not None and limit < NO_LIMIT_BYTES), default=None)


def memory_left_bytes(root: Path = Path("/")) -> int | None:
    """What this process's control groups leave of their limits, the least of them; None without a limit. Pages of files
    that nobody uses count as free, as the kernel takes them first."""
    left = (_left(folder) for folder in _group_folders(root, "memory"))
    return min((each for each in left if each is not None), default=None)


def _left(folder: Path) -> int | None:
    """Of one group, version 2 or 1; None without a limit."""
    for limit_name, used_name, idle_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = read_int(folder / limit_name), read_int(folder / used_name)
        if limit is not None and used is not None and limit < NO_LIMIT_BYTES:
            lines = [line.split() for line in read_text(folder / "memory.stat").splitlines()]
            idle = next((int(fields[1]) for fields in lines if fields[:1] == [idle_name] and len(fields) == 2), 0)
            return max(0, limit - used + idle)
    return None


def _quota(folder: Path) -> float | None:
    """Cores of one group; None for no quota ("max", -1) and for what is no number."""
    version_1 = (folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us")
    fields = read_text(folder / "cpu.max").split() or map(read_text, version_1)
    try:
        quota, period = (int(field) for field in fields)
        return quota / period if quota > 0 else None
    except (ValueError, ZeroDivisionError):
        return None


def _group_folders(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's groups with that controller, each with all above it up to its mount. In a container
    the group's own folder is often the mount itself. See proc_pid_mountinfo(5), cgroups(7)."""
    groups = {}  # in the one hierarchy of version 2, and in version 1's of that controller
    for line in read_text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers or controller in controllers.split(","):
            groups["cgroup" if controllers else "cgroup2"] = path
    for line in read_text(root / "proc/self/mountinfo").splitlines():
        place, _, system = line.partition(" - ")
        fields, kind, options = place.split(), system.partition(" ")[0], system.rpartition(" ")[2]
        if len(fields) < 5 or kind not in groups or (kind == "cgroup" and controller not in options.split(",")):
            continue
        mount = root / fields[4].lstrip("/")
        folder = mount / _below(groups[kind], fields[3])
        yield folder
        yield from (parent for parent in folder.parents if mount in (parent, *parent.parents))


def _below(group: str, top: str) -> str:
    """The group's path under the mount that shows ``top``; empty for a group that lies outside of it."""
    if top == "/":
        return group.lstrip("/") if ".." not in group.split("/") else ""
    inside = group[len(top) :]
    return inside.lstrip("/") if group.startswith(top) and inside[:1] in ("", "/") else ""
