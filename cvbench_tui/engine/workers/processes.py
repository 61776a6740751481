"""Processes of a worker, by the system's numbers: whose they are, what they do, and their end.

A worker leads a session of its own, and each of its children a process group in it: that tells its processes from all
others, whatever number a line of text names.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

from cvbench_tui.base.system_files import read_text

PROC = Path("/proc")
SWEEPS = 3  # looks for processes of a session; one that forks while it is looked at is found by the next look


def state(pid: int) -> str:
    """What Linux says of a process: ``R``, ``S``, ``D`` (in the kernel), ``T`` (stopped), ``t`` (by a debugger), ``Z``.
    Empty where there is none, or no Linux."""
    return (_stat(pid) or [""])[0]


def leads_group_of(session: int, pid: int) -> bool:
    """True when ``pid`` leads a process group of that session, so that the group may be ended."""
    if sys.platform == "win32" or pid <= 1:
        return False
    try:
        return os.getsid(pid) == session and os.getpgid(pid) == pid
    except (OSError, OverflowError):
        return False


def kill_group(pid: int) -> None:
    """Kill a process group; nothing on Windows, nor for a number that is none of a group's."""
    if sys.platform == "win32" or pid <= 1:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError, OverflowError):
        os.killpg(pid, signal.SIGKILL)


def kill_session(leader: int) -> None:
    """Kill a session's leader with its group, then every process of the session: stopped ones too."""
    kill_group(leader)
    for _ in range(SWEEPS):
        if not (found := _members(leader)):
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def sweep_session(leader: int) -> None:
    """Kill what is left of a session whose leader has ended and been waited for."""
    given_away = (PROC / str(leader)).exists()  # the number, to another process meanwhile
    if sys.platform == "linux" and not given_away:
        kill_session(leader)


def _members(session: int) -> list[int]:
    """Its living processes; none where that is not known. 3 ms for 300 processes."""
    if sys.platform != "linux":
        return []
    found = []
    for entry in os.listdir(PROC):
        if entry.isdigit():
            fields = _stat(int(entry))
            if len(fields) > 3 and fields[3] == str(session) and fields[0] != "Z":
                found.append(int(entry))
    return found


def _stat(pid: int) -> list[str]:
    """State, parent, group, session and the rest; empty when there is no such process."""
    return read_text(PROC / str(pid) / "stat").rpartition(")")[2].split()
