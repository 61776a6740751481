"""Who measures on a device: an advisory lock for each device of this machine. A second run is told whose it is.

    locks = DeviceLocks(environment.devices, run_id=run.id)
    holder = locks.try_take()           # None: ours, or no lock can be had here; else who has one of them
    holder = locks.wait(stop, hear)     # the same, after waiting until it is free or ``stop`` is set
    locks.release()                     # also at the end of ``with locks:``, and by itself when the process ends

A lock is a ``flock`` on a file that is named after the card's UUID, or the device where it has none (``cpu``). The file
says whose it is, as data: anybody on this machine can write it. A lock is a courtesy, so whatever goes wrong with one
(no folder that can be written, a file system without locks, Windows) means that there is none.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.environment import Device

if sys.platform != "win32":
    import fcntl

FOLDER_VARIABLE = "CVBENCH_LOCKS"  # names another folder; empty: no locks
FOLDER = Path("/tmp/cvbench-tui-locks")  # not in TMPDIR, which a job or a user may have to itself
FOLDER_MODE, FILE_MODE = 0o1777, 0o666  # every user's runs lock here; a file is removed by its owner alone
RECORD_BYTES = 4096  # of a file that are read; a record has 200
TEXT_CHARACTERS = 80  # of each text in it
LOOK_S = 0.5  # between two looks while waiting
TRIES, AGAIN_S = 3, 0.02  # to take a lock, and seconds after each that failed: somebody may just be looking


@dataclass(frozen=True)
class Holder:
    """The process that has a device for itself; what is not known is 0 or empty. Every text is safe to show."""

    device: str  # id of the device, as this run calls it
    pid: int = 0
    user: str = ""
    run_id: str = ""
    program: str = ""
    started_at_s: float = 0.0  # seconds since the epoch

    @property
    def sentence(self) -> str:
        """Whose the device is, in one sentence."""
        who = f"by {self.program or 'another program'}" + (f" of {self.user}" if self.user else "")
        clock = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started_at_s)) if self.started_at_s else ""
        known = (
            f"process {self.pid}" if self.pid else "",
            f"run {self.run_id}" if self.run_id else "",
            f"since {clock}" if clock else "",
        )
        facts = ", ".join(filter(None, known))
        return f"{self.device} is in use {who}" + (f" ({facts})." if facts else ".")


class DeviceLocks:
    """The locks of a run's devices. All are had or none, so that two runs never wait for each other."""

    def __init__(
        self, devices: Iterable[Device], *, run_id: str = "", program: str = "cvbench-tui", folder: Path | None = None
    ) -> None:
        """``run_id`` and ``program`` are told to others. ``folder``: in place of the machine's."""
        self._keys = sorted({(device.uuid or device.id, device.id) for device in devices})
        self._record = {"user": _user(), "run_id": run_id, "program": program}
        self._folder = folder
        self._held: list[int] = []  # descriptors

    def __enter__(self) -> DeviceLocks:
        """Nothing is taken yet."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Give them back."""
        self.release()

    def try_take(self) -> Holder | None:
        """Take every lock. None: they are ours, as far as there are any; else who has one, and none is ours."""
        self.release()
        for descriptor, device in self._files():
            if not _locked(descriptor):
                holder = _read_holder(descriptor, device)
                os.close(descriptor)
                self.release()
                return holder
            self._held.append(descriptor)
            self._write(descriptor)
        return None

    @property
    def held(self) -> bool:
        """True for locks that were taken; False also where there are none."""
        return bool(self._held)

    def look(self) -> Holder | None:
        """Who has one of them, without taking any. A look holds a lock shared for a moment, which a taker tries again
        for."""
        for descriptor, device in self._files():
            try:
                if not _locked(descriptor, shared=True):
                    return _read_holder(descriptor, device)
            finally:
                os.close(descriptor)
        return None

    def _files(self) -> Iterator[tuple[int, str]]:
        """The descriptor of each device's file, and the device; none where there are no locks."""
        folder = _opened_folder(self._folder or _folder())
        if folder is None:
            return
        try:
            for key, device in self._keys:
                descriptor = _opened_file(folder, re.sub(r"[^\w.-]", "_", key)[:100] + ".lock")
                if descriptor is not None:
                    yield descriptor, device
        finally:
            os.close(folder)

    def wait(self, stop: threading.Event, hear: Callable[[Holder], None] = lambda holder: None) -> Holder | None:
        """As ``try_take``, once they are free or ``stop`` is set; ``hear`` is told of each new holder meanwhile."""
        told = None
        while (holder := self.try_take()) is not None and not stop.is_set():
            if holder != told:
                hear(told := holder)
            stop.wait(LOOK_S)
        return holder

    def release(self) -> None:
        """Give back what was taken; again is harmless."""
        while self._held:
            descriptor = self._held.pop()
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def _write(self, descriptor: int) -> None:
        """Say whose the file is now; where the disk is full, nobody knows."""
        record = {"pid": os.getpid(), "started_at_s": round(time.time(), 3), **self._record}
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(record).encode()[:RECORD_BYTES], 0)


def _folder() -> Path | None:
    """Where locks are on this machine; None where there are none."""
    named = os.environ.get(FOLDER_VARIABLE)
    if sys.platform == "win32" or named == "":
        return None
    return Path(named) if named else FOLDER


def _opened_folder(path: Path | None) -> int | None:
    """The folder, made where it is missing; None where it is a link, no folder, or cannot be made or used."""
    if path is None or sys.platform == "win32":
        return None
    with contextlib.suppress(OSError, ValueError):
        os.mkdir(path, FOLDER_MODE)
        os.chmod(path, FOLDER_MODE)  # the process's mask does not count for a folder that everybody shares
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None


def _opened_file(folder: int, name: str) -> int | None:
    """That file of the folder; None where it cannot be had, or is none of ours: a link (to a file of its user, which a
    record would spoil), a pipe, a device."""
    if sys.platform == "win32":
        return None
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    # Twice: another process may make it between our two steps. One step is not enough: with fs.protected_regular the
    # kernel refuses O_CREAT for another user's file in a folder that everybody can write.
    for more in (0, os.O_CREAT | os.O_EXCL, 0):
        try:
            descriptor = os.open(name, flags | more, FILE_MODE, dir_fd=folder)
        except (FileNotFoundError, FileExistsError):
            continue
        except (OSError, ValueError):
            return None
        if more:
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, FILE_MODE)
        facts = os.fstat(descriptor)
        if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1:
            return descriptor
        os.close(descriptor)
        return None
    return None


def _locked(descriptor: int, *, shared: bool = False) -> bool:
    """False when another has the lock; True when it is ours, or the file system has none."""
    if sys.platform == "win32":
        return True
    for left in reversed(range(1 if shared else TRIES)):
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(AGAIN_S)
        except OSError:
            return True
        else:
            return True
    return False


def _read_holder(descriptor: int, device: str) -> Holder:
    """Whose file that is, as far as it says so: its writer may be anybody."""
    try:
        told = json.loads(os.pread(descriptor, RECORD_BYTES, 0))
    except (OSError, ValueError, RecursionError):
        return Holder(device)
    if not isinstance(told, dict):
        return Holder(device)
    pid, started_at_s = told.get("pid"), told.get("started_at_s")
    return Holder(
        device,
        pid=pid if isinstance(pid, int) and 0 < pid < 1 << 31 else 0,
        user=_text(told.get("user")),
        run_id=_text(told.get("run_id")),
        program=_text(told.get("program")),
        started_at_s=float(started_at_s) if isinstance(started_at_s, (int, float)) and 0 < started_at_s < 1e10 else 0.0,
    )


def _text(value: object) -> str:
    return one_line(value[:TEXT_CHARACTERS]) if isinstance(value, str) else ""


def _user() -> str:
    """The user's name; the number of one without a name, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}" if sys.platform != "win32" else ""
