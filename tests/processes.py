"""Other processes: waiting for something to be so, and which of them live."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(true: Callable[[], Found]) -> Found:
    """What it gives once that is true; the test's own time-out ends a wait that is in vain."""
    while not (found := true()):
        time.sleep(0.01)
    return found


def stat(pid: int) -> list[str]:
    """State, parent and the rest of /proc/PID/stat; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def lives(pid: int) -> bool:
    """False for a process that has ended, read by its parent or not."""
    return stat(pid)[:1] not in ([], ["Z"])


def wait_until_gone(*pids: int) -> None:
    """Until none of them lives. What those that stay are doing is printed when the wait is cut off."""
    try:
        wait_until(lambda: not any(map(lives, pids)))
    except BaseException:
        for pid in filter(lives, pids):
            for task in Path(f"/proc/{pid}/task").iterdir():
                print(pid, *(_read(task / name) for name in ("comm", "stat", "wchan", "syscall", "stack")), sep="\n")  # noqa: T201
        raise


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        return str(error)


def children(parent: int) -> list[int]:
    """The living processes that one has started."""
    found = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    return [pid for pid in found if (words := stat(pid)) and words[0] != "Z" and int(words[1]) == parent]


def descendants(parent: int) -> list[int]:
    """Every living process below that one: the worker, and the child that measures."""
    return [pid for child in children(parent) for pid in (child, *descendants(child))]
