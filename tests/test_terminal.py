"""The real program in a real pseudo-terminal, from launch to the saved file, with real torch."""

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

pytestmark = pytest.mark.torch
ESCAPES = re.compile(r"\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b[()][A-Z0-9]|\x1b[=>]|\x1bP.*?\x1b\\|\x1b\].*?(?:\x07|\x1b\\)")
PRESET = 'layers = ["Dense"]\nbatch = 1\ndevices = ["cpu"]\nprotocol = "quick"\n'
PATIENCE_S = 120


class Terminal:
    """A program in a pseudo-terminal, and everything it has drawn."""

    def __init__(self, arguments: list[str], folder: Path, *, columns: int = 120, rows: int = 40) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "CVBENCH_RUNS_DIR": str(folder / "runs")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cvbench_tui", *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.drawn = ""

    def read(self, timeout_s: float = 0.1) -> None:
        """Take in what is drawn within that time."""
        readable, _, _ = select.select([self.master], [], [], timeout_s)
        if readable:
            try:
                self.drawn += os.read(self.master, 1 << 16).decode(errors="replace")
            except OSError:  # the program has gone
                time.sleep(timeout_s)

    @property
    def text(self) -> str:
        """What was drawn so far, without colours and cursor movements."""
        return ESCAPES.sub(" ", self.drawn)

    def wait_for(self, words: str) -> None:
        """Until these words have been drawn since the last key."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.text:
            self.read()
            assert time.monotonic() < deadline, f"never drawn: {words}\n{self.text[-3000:]}"
            assert self.process.poll() is None, f"ended before: {words}\n{self.text[-3000:]}"

    def press(self, keys: str) -> None:
        """Type, and forget what was drawn before."""
        self.drawn = ""
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Its exit code, once it has ended by itself."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            self.read()
            assert time.monotonic() < deadline
        return self.process.returncode

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(tmp_path):
    (tmp_path / "one.toml").write_text(PRESET)
    opened: list[Terminal] = []

    def start(*arguments: str, **size: int) -> Terminal:
        opened.append(Terminal(list(arguments), tmp_path, **size))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_from_launch_to_the_saved_file(terminal, tmp_path, columns, rows):
    screen = terminal("tui", "one.toml", columns=columns, rows=rows)
    screen.wait_for("= 1 row")
    screen.press("r")
    screen.wait_for("finished")
    screen.press("s")
    screen.wait_for(".md")
    screen.press("\r")
    screen.wait_for("aved")
    screen.press("q")
    assert screen.end() == 0
    (saved,) = tmp_path.glob("*.md")
    assert re.search(r"\| Dense +\| cpu", saved.read_text())
    (run,) = (tmp_path / "runs").glob("*.jsonl")
    assert '"kind":"run_finished"' in run.read_text()


def test_quitting_in_mid_run_leaves_no_process_behind(terminal):
    screen = terminal("tui", "torchvision-all")
    screen.wait_for("= 80 rows")
    screen.press("r")
    screen.wait_for("building")
    workers = _descendants(screen.process.pid)
    assert len(workers) >= 2
    screen.press("q")
    screen.wait_for("Stop it and quit?")
    screen.press("y")
    assert screen.end() == 0
    deadline = time.monotonic() + 30
    while any(_lives(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _descendants(parent: int) -> list[int]:
    """Every process below that one: the worker, and the child that measures."""
    parents = {int(folder.name): _stat(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
    found, new = [], [parent]
    while new:
        new = [pid for pid, stat in parents.items() if stat and int(stat[1]) in new]
        found += new
    return found


def _stat(pid: int) -> list[str]:
    """State, parent and the rest of /proc/PID/stat; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _lives(pid: int) -> bool:
    return _stat(pid)[:1] not in ([], ["Z"])
