"""A program in a pseudo-terminal: everything it wrote, keys, its size and job control."""

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

import pytest

from tests.processes import stat

ESCAPES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x1bP.*?\x1b\\|\x1b\].*?(?:\x07|\x1b\\)", re.DOTALL
)
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

    def read(self, timeout_s: float = 0.1) -> bool:
        """Take in what is written within that time; whether there was anything."""
        if not select.select([self.master], [], [], timeout_s)[0]:
            return False
        try:
            taken = os.read(self.master, 1 << 16)
        except OSError:  # the program has gone, and all that it wrote is taken in
            time.sleep(0.01)
            return False
        self.written += taken
        return True

    @property
    def text(self) -> str:
        """What was drawn since the last key, without colours and cursor movements."""
        return ESCAPES.sub(b" ", self.written[self._seen :]).decode(errors="replace")

    def wait_for(self, words: str) -> None:
        """Until these words have been drawn since the last key."""
        try:
            while words not in self.text:
                ended = self.process.poll() is not None
                assert self.read() or not ended, f"ended before: {words}\n{self.text[-3000:]}"
        except pytest.fail.Exception as timed_out:
            raise AssertionError(f"never drawn: {words}\n{self.text[-3000:]}") from timed_out

    def forget(self) -> None:
        """What was drawn so far: only what comes now is waited for."""
        while self.read(0):
            pass
        self._seen = len(self.written)

    def press(self, keys: str) -> None:
        """Type, and forget what was drawn before."""
        self.forget()
        os.write(self.master, keys.encode())

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        """Make the window that large, and tell the program so."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def wait_for_state(self, states: str) -> None:
        """Until the program is in one of these states of /proc: ``T`` is stopped."""
        while stat(self.process.pid)[0] not in states:
            self.read(0.01)

    def end(self) -> int:
        """Its exit code, once it has ended by itself and everything it wrote is read."""
        try:
            while self.process.poll() is None:
                self.read(0.01)
        except pytest.fail.Exception as timed_out:
            raise AssertionError(f"still there:\n{self.stacks()}") from timed_out
        while self.read(0):
            pass
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
