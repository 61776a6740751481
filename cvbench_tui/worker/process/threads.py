"""How many threads an operator may use on the CPU: affinity, the control group's quota, and a core for the app."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

APP_CORE_FROM = 4
"""With this many usable cores or more, one is left to the app."""


def affinity() -> frozenset[int] | None:
    """Cores that the calling thread may run on; None on systems that have no such thing."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def restore_affinity(before: frozenset[int] | None) -> bool:
    """Give the calling thread the cores back that it had; True when it had lost some.

    For right after importing torch: OpenMP libraries were seen to leave the importing thread on one core, and all
    threads made later inherit that (pytorch issues 49971, 91989, 107366).
    """
    if before is None or not before - (affinity() or frozenset()):
        return False
    try:
        os.sched_setaffinity(0, before)
    except OSError:  # a container was narrowed meanwhile: its owner's will
        return False
    return True


def usable_cores(root: Path = Path("/")) -> int:
    """Cores this process may use, by affinity and by the control group's quota; at least one.

    Parts of a core are left out: two threads on a quota of 1.5 would be stopped together for a quarter of every
    period of 0.1 s, which is the scheduler's time and not the workload's.
    """
    allowed = affinity()
    cores = len(allowed) if allowed else os.cpu_count() or 1
    quota = quota_cores(root)
    return cores if quota is None else max(1, min(cores, int(quota)))


def intra_op_threads(root: Path = Path("/")) -> int:
    """PyTorch's own choice (physical cores), but never more than are usable, less one for the app where there are 4."""
    import torch

    usable = usable_cores(root)
    if usable >= APP_CORE_FROM:
        usable -= 1
    return max(1, min(torch.get_num_threads(), usable))


def quota_cores(root: Path = Path("/")) -> float | None:
    """Cores that the control groups' quotas allow, the smallest from this process's group up; None without a quota.

    Both versions: ``cpu.max`` ("50000 100000"), and ``cpu.cfs_quota_us`` with ``cpu.cfs_period_us``. Inside a
    container the group's own folder is often the mount itself; ``root`` is another one in tests.
    """
    found = []
    for folder in _group_folders(root):
        quota = _quota_v2(folder) or _quota_v1(folder)
        if quota is not None:
            found.append(quota)
    return min(found, default=None)


def _group_folders(root: Path) -> Iterator[Path]:
    """The folders of this process's groups that may limit the processor, each with all above it up to its mount."""
    groups = _groups(root)
    for kind, top, mount in _mounts(root):
        group = groups.get(kind)
        if group is None:
            continue
        folder = mount / _below(group, top)
        yield folder
        yield from (parent for parent in folder.parents if mount in (parent, *parent.parents))


def _groups(root: Path) -> dict[str, str]:
    """The group's path in the one hierarchy of version 2 and in version 1's of ``cpu``."""
    found: dict[str, str] = {}
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found["cgroup2"] = path
        elif "cpu" in controllers.split(","):
            found["cgroup"] = path
    return found


def _mounts(root: Path) -> Iterator[tuple[str, str, Path]]:
    """Version, what is shown at its top, and folder of each mounted hierarchy (proc_pid_mountinfo(5))."""
    for line in _lines(root / "proc/self/mountinfo"):
        place, _, system = line.partition(" - ")
        fields, kind, options = place.split(), system.split()[:1], system.split()[-1:]
        if len(fields) < 5 or kind not in (["cgroup"], ["cgroup2"]):
            continue
        if kind == ["cgroup2"] or "cpu" in options[0].split(","):
            yield kind[0], fields[3], root / fields[4].lstrip("/")


def _below(group: str, top: str) -> str:
    """The group's path under the mount that shows ``top``; empty for a group that lies outside of it."""
    if top == "/":
        return group.lstrip("/") if ".." not in group.split("/") else ""
    inside = group[len(top) :]
    return inside.lstrip("/") if group.startswith(top) and inside[:1] in ("", "/") else ""


def _quota_v2(folder: Path) -> float | None:
    fields = " ".join(_lines(folder / "cpu.max")).split()
    if len(fields) != 2 or fields[0] == "max":
        return None
    return _share(fields[0], fields[1])


def _quota_v1(folder: Path) -> float | None:
    quota = " ".join(_lines(folder / "cpu.cfs_quota_us"))
    period = " ".join(_lines(folder / "cpu.cfs_period_us"))
    return _share(quota, period)


def _share(quota: str, period: str) -> float | None:
    """Cores; None for no quota (-1) and for what is no number."""
    try:
        cores = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None
    return cores if cores > 0 else None


def _lines(path: Path) -> list[str]:
    """The file's lines; none when it cannot be read."""
    try:
        return path.read_text().splitlines()
    except (OSError, ValueError):
        return []
