"""The session for a card, with a Python that only says what it was asked, and a driver that knows one card."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.processes import descendants, lives, wait_until, wait_until_gone

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
STEPS = (
    "truth", "gpu-tests", "doctor", "models", "large", "compare", "published", "layers", "selftest", "extras",
    "out-of-memory", "kill",
)  # fmt: skip
PYTHON = """#!/bin/sh
case "$*" in
    *"import torch"*) echo GPU-1 ;;
    *gpu_truth*) echo "$@"; [ -z "$SLOW" ] || sleep 300 & wait ;;
    *) echo "$@" ;;
esac
"""
DRIVER = """#!/bin/sh
case "$*" in *--id=GPU-1*) echo 12 ;; *-q*) echo all ;; *) exit 1 ;; esac
"""
pytestmark = pytest.mark.skipif(shutil.which("timeout") is None, reason="timeout(1) of the coreutils is missing")


@pytest.fixture
def session(tmp_path, monkeypatch):
    """Begin a session in a checkout of its own; the process."""
    (tmp_path / "benchmarks").mkdir()
    script = shutil.copy(ROOT / "benchmarks" / "gpu_session.sh", tmp_path / "benchmarks")
    for name, text in (("python", PYTHON), ("nvidia-smi", DRIVER)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHON", str(tmp_path / "python"))

    def begin(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        environment = {**os.environ, **variables}
        return subprocess.Popen([script, *arguments], env=environment, stdout=subprocess.PIPE, text=True)

    return begin


def summary_of(process, folder):
    """Its lines, when it is over."""
    process.communicate()
    return (folder / "summary.txt").read_text().splitlines()


def test_every_step_is_made_and_one_archive_comes_back(session, tmp_path):
    lines = summary_of(session(str(tmp_path / "out")), tmp_path / "out")
    assert lines[0].startswith("cuda:0 GPU-1, card 12 MiB")
    assert [line.split(":")[0] for line in lines[1 : 1 + len(STEPS)]] == list(STEPS)
    assert all(re.search(r": exit code 0, \d+ s of \d+ s, card 12 MiB$", line) for line in lines[1 : 1 + len(STEPS)])
    assert int(re.search(r"the sum of the limits is (\d+) s", lines[1 + len(STEPS)])[1]) <= 560
    assert lines[-1].startswith("benchmarks/gpu_compare.py")  # what the comparison printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["session.tgz", "summary.txt"]
    with tarfile.open(tmp_path / "out" / "session.tgz") as archive:
        assert {"./summary.txt", "./truth.txt", "./nvidia-smi-after.txt"} < set(archive.getnames())


def test_on_the_cpu_only_the_card_is_left_out(session, tmp_path):
    lines = summary_of(session(str(tmp_path / "out"), "cpu"), tmp_path / "out")
    assert not any("MiB" in line for line in lines)
    assert [line for line in lines if "skipped" in line] == [
        "out-of-memory: skipped, it would take the whole machine's"
    ]


def test_without_the_driver_s_program_the_memory_is_unknown(session, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 127\n")
    lines = summary_of(session(str(tmp_path / "out")), tmp_path / "out")
    assert all(line.endswith("card unknown MiB") for line in lines[1 : 1 + len(STEPS)])


def test_a_step_without_time_is_skipped_and_the_next_one_made(session, tmp_path):
    lines = summary_of(session(str(tmp_path / "out"), CVBENCH_SESSION_S="25"), tmp_path / "out")
    assert re.fullmatch(r"truth: skipped, 2\d s are left of 75 s", lines[1])
    assert lines[3].startswith("doctor: exit code 0")


def test_a_step_ends_by_its_limit(session, tmp_path):
    script = tmp_path / "benchmarks" / "gpu_session.sh"
    script.write_text(script.read_text().replace("step truth 75", "step truth 2"))
    lines = summary_of(session(str(tmp_path / "out"), "cpu", CVBENCH_SESSION_S="3", SLOW="1"), tmp_path / "out")
    assert re.fullmatch(r"truth: exit code 124, \d s of 2 s, ended by its limit of \d s", lines[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_session_leaves_nothing_running(session, tmp_path, number):
    process = session(str(tmp_path / "out"), SLOW="1")
    wait_until(lambda: (tmp_path / "gpu-session" / "truth.txt").is_file())
    started = wait_until(lambda: [pid for pid in descendants(process.pid) if lives(pid)])
    process.send_signal(number)
    process.communicate()
    assert process.returncode == 130
    wait_until_gone(*started)


def test_the_second_one_repeats_what_failed(session, tmp_path):
    assert "no row failed" in "".join(summary_of(session(str(tmp_path / "out"), "cpu", "second"), tmp_path / "out"))
    (tmp_path / "gpu-session" / "failed.txt").write_text("resnet18:8\nvgg16:4\n")
    lines = summary_of(session(str(tmp_path / "out"), "cuda:0", "second"), tmp_path / "out")
    names = [line.split(":")[0] for line in lines[1:5]]
    assert names == ["second-truth", "second-resnet18-8", "second-vgg16-4", "compare"]
    asked = (tmp_path / "gpu-session" / "second-vgg16-4.txt").read_text()
    assert "run -m vgg16 -b 4 -d cuda:0 --protocol default" in asked
    lines = summary_of(session(str(tmp_path / "out"), "cuda:0", "second", "alexnet:2"), tmp_path / "out")
    assert lines[2].startswith("second-alexnet-2: exit code 0")


def test_another_word_is_refused_before_anything_is_deleted(session, tmp_path):
    kept = tmp_path / "gpu-session" / "truth.txt"
    kept.parent.mkdir()
    kept.touch()
    process = session(str(tmp_path / "out"), "cuda:0", "secnod")
    process.communicate()
    assert process.returncode == 2
    assert kept.exists()
    assert not (tmp_path / "out").exists()


def test_the_wheels_are_what_the_project_asks_for():
    """All but PyTorch, which is there, the app's own, and what Python 3.12 has itself."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w-]+", each)[0] for each in asked} - {"torch", "torchvision", "textual", "tomlkit", "tomli"}
    last = (ROOT / "benchmarks" / "gpu_wheels.sh").read_text().splitlines()[-2]
    assert set(last.split()) == names
