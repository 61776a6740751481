"""What Tab puts into a command line: a real bash with the real script, in a folder that somebody else filled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = (Path(__file__).parents[1] / "data" / "good.jsonl").read_bytes()
EVIL = (
    "2026$(touch hit)",
    "2026`touch hit`",
    "2026;touch hit",
    "2026 a",
    "2026|touch hit",
    "2026\x1b[2J",
    "2026\u202e",
    "-2026",
)
SAFE = "20261124-151012-9f3a"
TAB = """
{script}
COMP_WORDS=(cvbench-tui show {word})
COMP_CWORD=2
_cvbench_tui_completion cvbench-tui {word} show
for offered in "${{COMPREPLY[@]}}"; do printf '<%s>\\n' "$offered"; done
for offered in "${{COMPREPLY[@]}}"; do eval ": $offered"; done
"""


@pytest.fixture
def shell(tmp_path):
    """A bash whose ``cvbench-tui`` is this one; runs are in ``runs``, its current folder is ``here``."""
    for name in ("runs", "here", "bin"):
        (tmp_path / name).mkdir()
    program = tmp_path / "bin" / "cvbench-tui"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cvbench_tui "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "CVBENCH_RUNS_DIR": str(tmp_path / "runs"),
    }

    def bash(script: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "--norc", "-c", script]
        return subprocess.run(
            command, env=environment, cwd=tmp_path / "here", capture_output=True, text=True, timeout=120
        )

    return bash


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_a_name_from_a_shared_folder_is_never_executed(shell, tmp_path):
    for name in (*EVIL, SAFE):
        (tmp_path / "runs" / f"{name}.jsonl").write_bytes(GOOD.replace(b"20251124-160000-test", b"2026$(touch hit)"))
    (tmp_path / "runs" / "2026-broken.jsonl").write_bytes(b"[" * 100_000)
    script = shell("cvbench-tui completion bash").stdout
    assert "_cvbench_tui_completion" in script
    answer = shell(TAB.format(script=script, word="2026"))
    offered = {f"<{SAFE}>", "<2026-broken>"}  # by names alone: no file is read
    assert set(answer.stdout.splitlines()) == offered, answer.stderr
    assert not answer.stderr
    assert not [*(tmp_path / "here").iterdir()], "something was executed"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_a_folder_that_cannot_be_read_gives_no_traceback(shell, tmp_path):
    (tmp_path / "runs").rmdir()
    (tmp_path / "runs").write_text("a file")
    script = shell("cvbench-tui completion bash").stdout
    answer = shell(TAB.format(script=script, word="la"))
    assert answer.stdout.splitlines() == ["<last>"]
    assert not answer.stderr
