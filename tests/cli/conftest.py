"""A command as a user types it, on a worker without torch."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cvbench_tui.cli import doctor
from cvbench_tui.cli import main as cli
from cvbench_tui.cli import run as headless
from cvbench_tui.engine.live import LiveSource

FAKE = Path(__file__).parents[1] / "engine" / "workers" / "fake.py"


@pytest.fixture
def type_(monkeypatch, capsys, tmp_path):
    """Type a command; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, worker: str = "good"):
        mark = tmp_path / "mark"
        mark.unlink(missing_ok=True)
        command = (sys.executable, str(FAKE), worker, str(mark))
        for module in (headless, doctor):
            monkeypatch.setattr(module, "live_source", lambda *_, **__: LiveSource(command))
        monkeypatch.setattr("cvbench_tui.engine.live.WORKER_COMMAND", command)
        monkeypatch.setattr(sys, "argv", ["cvbench-tui", *arguments])
        code = cli._exit_code()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
