"""A lost terminal ends the app, by itself and soon: nothing stays behind that nobody can see."""

from __future__ import annotations

import os
import signal
import termios
import time
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="no pseudo-terminals on this system")
from cvbench_tui.results.storage.run_file import load
from tests.pseudo_terminal import PseudoTerminal

WITHIN_S = 5.0


@pytest.mark.skipif(not os.path.exists("/dev/ptmx"), reason="no pseudo-terminals on this system")
@pytest.mark.parametrize("keys", [(), ("r",)], ids=["idle", "running"])
def test_it_ends_when_its_terminal_is_gone(tmp_path: Path, keys: tuple[str, ...]) -> None:
    terminal = PseudoTerminal("-m", "tests.programs.replayed_app", "--pause", "0.5", folder=tmp_path)
    try:
        terminal.wait_for("ready")
        for key in keys:
            terminal.press(key)
            terminal.wait_for("0 of 10 rows")
        os.close(terminal.master)
        gone_at = time.monotonic()
        terminal.process.wait(WITHIN_S)
        assert time.monotonic() - gone_at < WITHIN_S
        terminal.master = os.open(os.devnull, os.O_RDONLY)
    finally:
        terminal.close()
    runs = list((tmp_path / "runs").glob("*.jsonl"))
    assert len(runs) == len(keys), "the run file stays"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1"])
@pytest.mark.parametrize("keys", [(), ("r",)], ids=["idle", "running"])
def test_a_signal_gives_the_terminal_back_and_the_run_its_end(tmp_path: Path, keys: tuple[str, ...], name: str) -> None:
    terminal = PseudoTerminal("-m", "tests.programs.replayed_app", "--pause", "0.5", folder=tmp_path)
    try:
        before = termios.tcgetattr(terminal.master)
        terminal.wait_for("ready")
        assert termios.tcgetattr(terminal.master) != before
        for key in keys:
            terminal.press(key)
            terminal.wait_for("0 of 10 rows")
        number = getattr(signal, name)
        terminal.process.send_signal(number)
        assert terminal.end() == 128 + number
        assert termios.tcgetattr(terminal.master) == before, "echo and lines are on again"
        for off in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
            assert off in terminal.written, "main screen, cursor, mouse, pasting"
        assert b"Traceback" not in terminal.written
    finally:
        terminal.close()
    runs = list((tmp_path / "runs").glob("*.jsonl"))
    assert [load(run).ended for run in runs] == ["cancelled"] * len(keys)


def test_signals_that_come_together_end_the_app_once_and_give_the_terminal_back(tmp_path: Path) -> None:
    terminal = PseudoTerminal("-m", "tests.programs.replayed_app", "--pause", "0.5", folder=tmp_path)
    try:
        before = termios.tcgetattr(terminal.master)
        terminal.wait_for("ready")
        terminal.press("r")
        terminal.wait_for("0 of 10 rows")
        for name in ("SIGHUP", "SIGHUP", "SIGTERM", "SIGINT", "SIGUSR1", "SIGINT", "SIGINT"):
            terminal.process.send_signal(getattr(signal, name))
        assert terminal.end() in [128 + getattr(signal, name) for name in ("SIGHUP", "SIGTERM", "SIGINT", "SIGUSR1")]
        assert termios.tcgetattr(terminal.master) == before
        assert b"\x1b[?1049l" in terminal.written
        assert b"Traceback" not in terminal.written
    finally:
        terminal.close()
    (run,) = (tmp_path / "runs").glob("*.jsonl")
    assert load(run).id
