"""A program in a pseudo-terminal: everything it wrote, keys, its size, job control, and the processes below it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

ESCAPES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x1bP.*?\x1b\\|\x1b\].*?(?:\x07|\x1b\\)", re.DOTALL
)
PATIENCE_S = 90
COLOURS = {"38", "48", "58", *(str(code) for start in (30, 40, 90, 100) for code in range(start, start + 8))}
"""Codes that choose a colour; 39 and 49 choose the terminal's own."""


class PseudoTerminal:
    """One program in a terminal of its own session."""

    def __init__(
        self, *command: str, folder: Path, columns: int = 120, rows: int = 40, env: dict[str, str] | None = None
    ) -> None:
        self.master, slave = pty.openpty()
        self.resize(columns, rows, tell=False)
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "CVBENCH_RUNS_DIR": str(folder / "runs"),
            "CVBENCH_CONFIG": str(folder / "config.toml"),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PYTHONFAULTHANDLER": "1",
            **(env or {}),
        }
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.written = b""
        """Everything since the start."""
        self._seen = 0

    def read(self, timeout_s: float = 0.1) -> None:
        """Take in what is written within that time."""
        readable, _, _ = select.select([self.master], [], [], timeout_s)
        if readable:
            try:
                self.written += os.read(self.master, 1 << 16)
            except OSError:  # the program has gone
                time.sleep(timeout_s)

    @property
    def text(self) -> str:
        """What was drawn since the last key, without colours and cursor movements."""
        return ESCAPES.sub(b" ", self.written[self._seen :]).decode(errors="replace")

    def wait_for(self, words: str) -> None:
        """Until these words have been drawn since the last key."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.text:
            self.read()
            assert time.monotonic() < deadline, f"never drawn: {words}\n{self.text[-3000:]}"
            assert self.process.poll() is None, f"ended before: {words}\n{self.text[-3000:]}"

    def press(self, keys: str) -> None:
        """Type, and forget what was drawn before."""
        self._seen = len(self.written)
        os.write(self.master, keys.encode())

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        """Make the window that large, and tell the program so."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def wait_for_state(self, states: str) -> None:
        """Until the program is in one of these states of /proc: ``T`` is stopped."""
        deadline = time.monotonic() + PATIENCE_S
        while stat(self.process.pid)[0] not in states:
            self.read(0.02)
            assert time.monotonic() < deadline

    def end(self) -> int:
        """Its exit code, once it has ended by itself and everything it wrote is read."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            self.read()
            assert time.monotonic() < deadline, self.stacks()
        while select.select([self.master], [], [], 0)[0]:
            before = len(self.written)
            self.read(0.01)
            if len(self.written) == before:
                break
        return self.process.returncode

    def stacks(self) -> str:
        """What it drew last and where its threads stand; ends it."""
        drawn = self.text[-2000:]
        self._seen = len(self.written)
        self.process.send_signal(signal.SIGABRT)
        for _ in range(20):
            self.read()
        return f"{drawn}\n{self.text[-4000:]}"

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


def colour_codes(written: bytes) -> set[str]:
    """Every colour that was chosen by a sequence in these bytes."""
    found = re.findall(rb"\x1b\[([0-9;:]*)m", written)
    return {code for each in found for code in re.split("[;:]", each.decode())} & COLOURS


def descendants(parent: int) -> list[int]:
    """Every process below that one: the worker, and the child that measures."""
    parents = {int(folder.name): stat(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
    found: list[int] = []
    new = [parent]
    while new:
        new = [pid for pid, words in parents.items() if words and int(words[1]) in new]
        found += new
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
