"""Standard streams that are closed or full, folders that are gone, sizes and colours that the environment claims."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cvbench_tui.base.atomic import write_atomically
from cvbench_tui.cli import doctor
from cvbench_tui.errors import StoreError
from cvbench_tui.results.storage import run_file
from tests.pseudo_terminal import PseudoTerminal

ROOT = Path(__file__).parents[2]
PROGRAM = f"{shlex.quote(sys.executable)} -m cvbench_tui"
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")


@pytest.fixture
def shell(tmp_path):
    """Types a line into a shell; exit code, stdout and stderr. ``R`` is the program."""
    (tmp_path / "runs").mkdir()
    run = (ROOT / "tests/data/good.jsonl").read_text()
    (tmp_path / "runs" / "20261127-120000-aaaa.jsonl").write_text(run)

    def type_(line: str, **env: str) -> tuple[int, str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        environment = {**kept, "PYTHONPATH": str(ROOT), "CVBENCH_RUNS_DIR": str(tmp_path / "runs"), **env}
        script = f'R() {{ {PROGRAM} "$@"; }}\n{line}'
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    return type_


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("R list models >&-", 0),
        ("R list models <&- >&- 2>&-", 0),
        ("R --help >&-", 0),
        ("R show last >&-", 0),
        ("R show nosuch 2>&-", 2),
        ("R nosuch 2>&-", 2),
        ("R nosuch <&- >&- 2>&-", 2),
    ],
)
def test_a_closed_stream_gets_nothing_and_changes_no_exit_code(shell, line, code):
    found, out, err = shell(line)
    assert found == code
    assert "Traceback" not in out + err


def test_the_others_still_get_theirs(shell):
    assert shell("R list models <&- 2>&-")[1].startswith("models (")
    assert "There is no run 'nosuch'" in shell("R show nosuch >&-")[2]


@pytest.mark.torch
def test_a_run_without_any_stream_measures_and_writes_its_files_and_nothing_else_into_them(shell, tmp_path):
    code, _, _ = shell("R run -l Dense -d cpu -b 1 --protocol quick -o x.json --runs-dir new <&- >&- 2>&-")
    assert code == 0
    assert json.loads((tmp_path / "x.json").read_text())["results"][0]["case"]["name"] == "Dense"
    (file,) = (tmp_path / "new").glob("*.jsonl")
    assert len(run_file.load(file).measured) == 1
    assert [json.loads(line)["kind"] for line in file.read_text().splitlines()][-1] == "run_finished"


@FULL
@pytest.mark.parametrize("command", ["show last", "list models", "--help", "--version", "completion bash"])
def test_a_full_stdout_is_a_sentence_and_exit_code_1(shell, command):
    code, _, err = shell(f"R {command} >/dev/full")
    assert (code, err) == (1, "cvbench-tui: the output cannot be written: no space left.\n")


@FULL
def test_a_full_stderr_keeps_the_exit_code(shell):
    assert shell("R show nosuch 2>/dev/full")[0] == 2
    assert shell("R nosuch >/dev/full 2>&1")[0] == 2


@FULL
@pytest.mark.parametrize(("command", "code"), [("export", 0), ("resume", 1)])  # one of the run's rows has failed
def test_a_full_stderr_costs_no_output(shell, tmp_path, command, code):
    assert shell(f"R {command} last -o one.csv -o two.json 2>/dev/full")[0] == code
    assert (tmp_path / "one.csv").read_text().startswith("name,device,batch")
    assert json.loads((tmp_path / "two.json").read_text())["results"]


@pytest.mark.parametrize("command", ["show last", "list models", "--version"])
def test_a_reader_that_has_gone_is_told_nothing(shell, command):
    code, _, err = shell(f"(sleep 0.1; R {command}; echo $? >code) | :; cat code")
    assert (code, err) == (0, "")
    assert shell("cat code")[1] == "1\n"


def test_a_stdout_for_reading_only_is_a_sentence(shell):
    code, _, err = shell("R list models 1</dev/null")
    assert (code, err) == (1, "cvbench-tui: the output cannot be written: bad file descriptor.\n")


@pytest.mark.parametrize("command", ["", "run -l Dense -d cpu", "doctor", "list devices", "export last -o x.md"])
def test_a_folder_that_was_deleted_is_one_sentence(shell, command):
    code, out, err = shell(f"mkdir g; cd g; rmdir ../g; R {command}")
    assert (code, out) == (2, "")
    assert err == "cvbench-tui: The current folder does not exist any more.\n  Go to another one: cd ~\n"


def test_a_file_in_a_folder_that_was_deleted_meanwhile_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "g").mkdir()
    monkeypatch.chdir(tmp_path / "g")
    (tmp_path / "g").rmdir()
    with pytest.raises(StoreError, match=r"Cannot write x\.md: No such file or directory"):
        write_atomically(Path("x.md"), "text")
    write_atomically(tmp_path / "y.md", "text")
    assert (tmp_path / "y.md").read_text() == "text"


def test_what_needs_no_folder_works_in_a_deleted_one(shell):
    assert shell("mkdir g; cd g; rmdir ../g; R show last")[0] == 0
    assert shell("mkdir g; cd g; rmdir ../g; R list runs")[1].startswith("runs (1)")


@pytest.mark.parametrize(
    "claims", [{"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}, {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "1"}]
)
def test_forced_colours_make_no_terminal_of_a_log(shell, claims):
    words = "from cvbench_tui.cli.progress import reporter\nwith reporter(quiet=False) as told: told.message('a line')"
    assert shell(f"{shlex.quote(sys.executable)} -c {shlex.quote(words)}", **claims) == (0, "", "a line\n")


def test_the_terminals_own_size_wins_over_what_a_shell_exported(tmp_path):
    claims = {"COLUMNS": "120", "LINES": "40"}
    screen = PseudoTerminal("-m", "cvbench_tui", "--ascii", folder=tmp_path, columns=80, rows=24, env=claims)
    try:
        screen.wait_for("Quit")
        assert lowest_row(screen) == 24
        screen.forget()
        screen.resize(90, 30)
        while lowest_row(screen) < 30:
            screen.read()
        assert lowest_row(screen) == 30
    finally:
        screen.close()


def lowest_row(screen: PseudoTerminal) -> int:
    """The last row to which the cursor was sent so far."""
    return max((int(row) for row in re.findall(rb"\x1b\[(\d+);\d+H", screen.written)), default=0)


@pytest.mark.parametrize("term", ["", "nonsense", "linux", "xterm-16color"])
def test_the_app_opens_whatever_the_terminal_is_called(tmp_path, term):
    screen = PseudoTerminal("-m", "cvbench_tui", folder=tmp_path, env={"TERM": term, "LANG": "C", "LC_ALL": "C"})
    try:
        screen.wait_for("Quit")
        screen.press("q")
        assert screen.end() == 0
        assert screen.written.isascii()
    finally:
        screen.close()


@pytest.mark.parametrize("where", ["file/runs", "a" * 300, "/proc/x", "dangling"])
def test_the_doctor_says_that_a_runs_folder_cannot_be_made(tmp_path, where):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "gone" / "runs")
    told = dict(doctor._files(tmp_path / where))
    assert told["runs folder"].startswith("not writable (")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["dangling", "file"]


def test_the_doctor_leaves_no_folder_behind(tmp_path):
    told = dict(doctor._files(tmp_path / "not" / "yet"))
    assert told["runs folder"].startswith("writable, ")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    assert dict(doctor._files(tmp_path / "there"))["runs folder"].startswith("writable, ")
    assert (tmp_path / "there").is_dir()


@pytest.mark.parametrize("command", ["", "run", "selftest", "show"])
def test_help_is_there_without_docstrings_too(shell, command):
    without, usual = shell(f"R {command} --help", PYTHONOPTIMIZE="2"), shell(f"R {command} --help")
    assert without == usual
    assert usual[0] == 0


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (9, 3), (0, 0)])
def test_the_app_weathers_any_size_and_ends(tmp_path, columns, rows):
    command = ("-m", "tests.programs.replayed_app")
    screen = PseudoTerminal(*command, folder=tmp_path, columns=columns, rows=rows)
    try:
        while b"\x1b[?1049h" not in screen.written:
            screen.read()
        screen.resize(120, 40)
        screen.wait_for("10 rows, about")
        screen.resize(columns, rows)
        screen.press("q")
        assert screen.end() == 0
        assert b"Traceback" not in screen.written
    finally:
        screen.close()
