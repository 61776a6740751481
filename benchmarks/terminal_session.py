"""A program in a pseudo-terminal of 120x40: what it draws and when, what it costs, what it leaves behind.

The terminal is read all the time by a thread, as a real one does, and answers no questions. Times are
``time.perf_counter``'s, of the moment in which a piece of output was read. Linux only: costs come from /proc.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

COLUMNS, LINES = 120, 40
WAIT_S = 120.0
OVERLAP = 4000
"""Bytes looked at again with each piece: a word, or an escape sequence, may be cut in two."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|[()][0-9A-B]|[=>78cM])"
)
Process = tuple[int, int]
"""Number and start time: a number alone may be somebody else's later."""


class TerminalSession:
    """A started program. Use as a context: whatever is left of it is ended."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start it, with ``environment`` on top of this process's."""
        self.pieces: list[tuple[float, bytes]] = []
        """When each piece was read, and the piece."""
        self._news = threading.Condition()
        self._ended = False
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        settings = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})}
        self.began_at = time.perf_counter()
        self.process = subprocess.Popen(
            list(command), stdin=slave, stdout=slave, stderr=slave, env=settings, start_new_session=True
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> TerminalSession:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what is left."""
        left = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for process in filter(alive, left):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process[0], signal.SIGKILL)
        self._reader.join(2)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._master, 1 << 16)
            except OSError:  # nobody has the other end any more
                piece = b""
            with self._news:
                if piece:
                    self.pieces.append((time.perf_counter(), piece))
                else:
                    self._ended = True
                self._news.notify_all()
            if not piece:
                return

    def send(self, keys: str) -> float:
        """Press keys; when that was."""
        at = time.perf_counter()
        os.write(self._master, keys.encode())
        return at

    def bytes_since(self, at: float = 0.0) -> int:
        """Bytes drawn since that moment."""
        return sum(len(piece) for when, piece in self.pieces if when >= at)

    def text_since(self, at: float = 0.0) -> str:
        """What was drawn since then, without the escape sequences: words stay whole, places are lost."""
        raw = b"".join(piece for when, piece in list(self.pieces) if when >= at)
        return ESCAPES.sub(b"", raw).decode(errors="replace")

    def wait_for(self, *words: str, since: float = 0.0, within_s: float = WAIT_S) -> float:
        """When the last of the words had been drawn since then. Raises SystemExit when they are not in time."""
        end = time.perf_counter() + within_s
        missing, tail, place = set(words), b"", 0
        while True:
            with self._news:
                self._news.wait_for(lambda: self._ended or len(self.pieces) > place, end - time.perf_counter())  # noqa: B023
                ended = self._ended
            if place == len(self.pieces) and (ended or time.perf_counter() >= end):
                last = self.text_since(since)[-600:]
                raise SystemExit(f"{sorted(missing)} not drawn within {within_s:g} s; last was: {last!r}")
            when, piece = self.pieces[place]
            place += 1
            if when < since:
                continue
            text = ESCAPES.sub(b"", tail + piece).decode(errors="replace")
            tail = (tail + piece)[-OVERLAP:]
            missing = {word for word in missing if word not in text}
            if not missing:
                return when

    def next_piece(self, since: float, within_s: float = 5.0) -> float:
        """When something was drawn first after that moment. Raises SystemExit when nothing was."""
        with self._news:
            self._news.wait_for(lambda: self._ended or (self.pieces and self.pieces[-1][0] > since), within_s)
            for when, _ in self.pieces:
                if when > since:
                    return when
        raise SystemExit(f"nothing was drawn within {within_s:g} s")

    def wait_quiet(self, quiet_s: float, within_s: float = WAIT_S) -> float:
        """Wait until nothing has been drawn for so long; when the last piece was. Raises SystemExit if it never is."""
        end = time.perf_counter() + within_s
        while time.perf_counter() < end:
            last = self.pieces[-1][0] if self.pieces else self.began_at
            left = last + quiet_s - time.perf_counter()
            if left <= 0:
                return last
            time.sleep(left)
        raise SystemExit(f"it was never quiet for {quiet_s:g} s within {within_s:g} s")

    def wait_end(self, within_s: float = WAIT_S) -> float:
        """When the program had ended. Raises SystemExit when it does not."""
        handle = os.pidfd_open(self.process.pid)  # Popen.wait with a time-out looks every 50 ms only
        try:
            ended = bool(select.select([handle], [], [], within_s)[0])
        finally:
            os.close(handle)
        at = time.perf_counter()
        if not ended:
            raise SystemExit(f"it did not end within {within_s:g} s; last: {self.text_since()[-600:]!r}")
        self.process.wait()
        return at

    def cpu_s(self) -> float:
        """Seconds of processor that the program itself has used, its children not counted."""
        fields = _stat(self.process.pid)
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def resident_bytes(self) -> int:
        """Memory it holds now."""
        return _kilobytes(self.process.pid, "status", "VmRSS:")

    def proportional_bytes(self) -> int:
        """The same with pages that others map too counted in part."""
        return _kilobytes(self.process.pid, "smaps_rollup", "Pss:")


def descendants(pid: int) -> list[Process]:
    """Every process below that one."""
    parents: dict[int, list[Process]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = _stat(int(entry.name))
                parents.setdefault(int(fields[1]), []).append((int(entry.name), int(fields[19])))
    found, look = [], [pid]
    while look:
        below = parents.get(look.pop(), [])
        found += below
        look += [number for number, _ in below]
    return found


def alive(process: Process) -> bool:
    """True while it is there; a zombie has ended."""
    try:
        fields = _stat(process[0])
    except OSError:
        return False
    return int(fields[19]) == process[1] and fields[0] != "Z"


def _stat(pid: int) -> list[str]:
    """The fields from the state on; the name before it may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _kilobytes(pid: int, file: str, name: str) -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])
