"""However a run without the app ends, its rows are kept, what was asked for is written, and nothing is left running."""

from __future__ import annotations

import errno
import getpass
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cvbench_tui.cli import main
from cvbench_tui.cli.signals import Ending
from cvbench_tui.core.event import CaseFinished
from cvbench_tui.results.storage import run_index
from cvbench_tui.results.storage.run_file import load, read_events
from tests.processes import descendants, wait_until, wait_until_gone
from tests.pseudo_terminal import PseudoTerminal

resource = pytest.importorskip("resource", reason="there is none on Windows")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes are read from /proc")

PROGRAM = Path(__file__).parents[1] / "programs" / "headless.py"
ROOT = Path(__file__).parents[2]
LAYERS = "Dense,BatchNorm,AvgPool"


def command(mode: str, what: str, *arguments: str) -> list[str]:
    """One visit to each row, where rows are named."""
    return [str(PROGRAM), mode, "mark", what, *(("-l", LAYERS, "--protocol", "original") * (what == "run")), *arguments]


class Headless:
    """The command line in a folder of its own; stdout and stderr are files there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"

    def start(
        self, mode: str, what: str, *arguments: str, before: Callable[[], object] | None = None, **streams
    ) -> None:
        self.out, self.err = self.folder / "out", self.folder / "err"
        self.started: list[int] = []
        environment = os.environ | {"CVBENCH_RUNS_DIR": str(self.runs), "PYTHONPATH": str(ROOT)}
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, *command(mode, what, *arguments)],
                cwd=self.folder,
                env=environment,
                preexec_fn=before,
                **{"stdout": out, "stderr": err, "stdin": subprocess.DEVNULL} | streams,
            )

    def send(self, *names: str) -> None:
        """Send signals, and remember what it has started: of a killed process nobody can tell afterwards."""
        self.started = descendants(self.process.pid)
        for name in names:
            self.process.send_signal(getattr(signal, name))

    def ended(self) -> tuple[int, str, str]:
        """Its exit code, stdout and stderr; none of its processes lives on."""
        started = {*self.started, *descendants(self.process.pid)}
        code = self.process.wait()
        wait_until_gone(*started)
        return code, self.out.read_text(), self.err.read_text()

    def until_second_row(self) -> None:
        """Until the worker is in the second row, about which it says nothing."""
        wait_until(lambda: (self.folder / "mark").exists() or self.process.poll() is not None)

    def run_file(self) -> Path:
        (path,) = self.runs.glob("*.jsonl")
        return path


@pytest.fixture
def headless(tmp_path):
    headless = Headless(tmp_path)
    yield headless
    if headless.process.poll() is None:
        headless.process.kill()
        headless.process.wait()


ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU")


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_gives_the_row_in_hand_up_and_writes_what_was_asked_for(headless, name):
    headless.start("second", "run", "-o", "a.md", "-o", "a.json")
    headless.until_second_row()
    number = getattr(signal, name)
    headless.send(name)
    code, out, err = headless.ended()
    assert code == 128 + number
    assert "cancelled: 1 measured, 1 cancelled, 1 not begun" in err
    assert f"cvbench-tui resume {headless.run_file()} measures the 2 rows it lacks." in err
    for text in (out, (headless.folder / "a.md").read_text(), (headless.folder / "a.json").read_text()):
        assert "BatchNorm" in text
    run = load(headless.run_file())
    assert (run.ended, len(run.measured)) == ("cancelled", 1)


def test_signals_that_come_together_are_one_end(headless):
    """A terminal that is closed sends SIGHUP twice; schedulers send one signal to each process, then another."""
    headless.start("second", "run", "-o", "a.md")
    headless.until_second_row()
    headless.send("SIGHUP", "SIGHUP", "SIGTERM", "SIGUSR1", "SIGHUP")
    code, _, _ = headless.ended()
    assert code in [128 + getattr(signal, name) for name in ("SIGHUP", "SIGTERM", "SIGUSR1")]
    assert "BatchNorm" in (headless.folder / "a.md").read_text()


def test_a_run_below_nohup_outlives_its_terminal(headless):
    headless.start("second", "run", before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    headless.until_second_row()
    headless.send("SIGHUP", "SIGTERM")
    assert headless.ended()[0] == 128 + signal.SIGTERM


@pytest.mark.parametrize("mode", ["deaf_start", "slow_start"])
def test_a_signal_before_the_run_ends_the_program_and_its_worker(headless, mode):
    headless.start(mode, "run", "-o", "a.md")
    wait_until(
        lambda: "starting the measuring process" in headless.err.read_text() and descendants(headless.process.pid)
    )
    headless.send("SIGTERM")
    code, out, err = headless.ended()
    assert (code, out) == (128 + signal.SIGTERM, "")
    assert "Traceback" not in err
    assert not (headless.folder / "a.md").exists()


def test_a_kill_leaves_no_worker_and_the_run_is_resumed_row_by_row(headless):
    headless.start("second", "run", "-b", "3")
    headless.until_second_row()
    (worker,) = descendants(headless.process.pid)
    headless.process.kill()
    headless.process.wait()
    os.kill(worker, signal.SIGKILL)  # this one sleeps; a real one ends with its parent: tests/worker/test_process.py
    path = headless.run_file()
    before = load(path)
    assert (before.ended, len(before.measured)) == (None, 1)
    headless.start("good", "resume", "-o", "a.json")
    code, out, _ = headless.ended()
    assert (code, headless.run_file()) == (0, path)
    run = load(path)
    assert (run.id, run.ended, len(run.measured), run.pending) == (before.id, "finished", 3, 0)
    assert run.measured[0] == before.measured[0], "what was measured stays"
    assert run.plan == before.plan
    assert all(name in out for name in LAYERS.split(","))


def test_a_closed_terminal_costs_neither_the_measurement_nor_the_file(tmp_path):
    """Every write to the terminal fails from then on."""
    terminal = PseudoTerminal(*command("second", "run", "-o", "a.md"), folder=tmp_path)
    wait_until(lambda: terminal.read(0.01) * 0 or (tmp_path / "mark").exists() or terminal.process.poll())
    started = descendants(terminal.process.pid)
    os.close(terminal.master)
    terminal.process.send_signal(signal.SIGHUP)  # the kernel's, where the terminal is the controlling one
    code = terminal.process.wait()
    wait_until_gone(*started)
    assert code == 129
    assert "BatchNorm" in (tmp_path / "a.md").read_text()


def test_a_reader_of_the_progress_that_leaves_costs_nothing(headless):
    """``2>&1 | head -1``: stdout and stderr are one pipe whose reader goes away."""
    reading, writing = os.pipe()
    headless.start("good", "run", "-o", "a.md", stdout=writing, stderr=writing)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    assert headless.ended()[0] == 0
    assert "BatchNorm" in (headless.folder / "a.md").read_text()
    assert load(headless.run_file()).ended == "finished"


def test_a_reader_of_events_that_leaves_costs_nothing(headless):
    reading, writing = os.pipe()
    headless.start("good", "run", "-o", "a.md", "--json-lines", stdout=writing)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    code, _, err = headless.ended()
    assert (code, "finished: 3 measured" in err) == (0, True)
    assert "BatchNorm" in (headless.folder / "a.md").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_disk_behind_stdout_or_stderr_fails_alone(headless):
    with Path("/dev/full").open("w") as full:
        headless.start("good", "run", "-o", "a.md", stdout=full)
        code, _, err = headless.ended()
        assert code == 1
        assert "The table cannot be printed: No space left on device." in err
        assert "BatchNorm" in (headless.folder / "a.md").read_text()
        headless.start("good", "run", "-o", "b.md", stderr=full)
        code, out, _ = headless.ended()
    assert code == 0
    assert "BatchNorm" in out
    assert "BatchNorm" in (headless.folder / "b.md").read_text()


def test_an_output_that_cannot_be_written_any_more_costs_no_other(headless):
    (headless.folder / "gone").mkdir()
    headless.start("second", "run", "-o", "gone/a.md", "-o", "b.md")
    headless.until_second_row()
    shutil.rmtree(headless.folder / "gone")
    headless.send("SIGINT")
    code, out, err = headless.ended()
    assert code == 130
    assert "Cannot write gone/a.md" in err
    for text in (out, (headless.folder / "b.md").read_text()):
        assert "BatchNorm" in text


def test_a_run_file_that_cannot_be_written_on_costs_neither_rows_nor_files(headless):
    """Every file is limited to 2,100 bytes, as on a full disk: the run's does not fit, the table's does."""
    limit = (2100, resource.RLIM_INFINITY)
    headless.start("good", "run", "-o", "a.md", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    code, out, err = headless.ended()
    assert code == 1
    assert "File too large. Its rows are in memory only, so the run was ended." in err
    for text in (out, (headless.folder / "a.md").read_text()):
        assert "Dense" in text
    load(headless.run_file())


def test_a_runs_folder_that_is_deleted_is_made_again(headless):
    headless.start("second", "run")
    headless.until_second_row()
    shutil.rmtree(headless.runs)
    headless.send("SIGINT")
    code, _, err = headless.ended()
    assert code == 130
    assert "was deleted or moved. The whole run is in a new file now:" in err
    assert len(load(headless.run_file()).measured) == 1


def test_a_run_that_goes_on_is_not_resumed_beside_itself(headless, other):
    other.start("second", "run")
    other.until_second_row()
    headless.start("good", "resume", str(other.run_file()))
    code, _, err = headless.ended()
    assert code == 2
    assert "is being written by another cvbench-tui." in err
    assert "starting the measuring process" not in err


def test_a_run_that_lacks_nothing_is_shown_and_its_failed_rows_are_measured_on_request(headless):
    headless.start("crashing", "run")
    assert headless.ended()[0] == 1
    headless.start("good", "resume", "-o", "a.md")
    code, out, err = headless.ended()
    assert code == 1
    assert "2 measured, 1 failed. --failed, --busy and --invalid measure such rows again." in err
    assert "Dense" in out
    assert "Dense" in (headless.folder / "a.md").read_text()
    headless.start("good", "resume", "--failed", "--dry-run")
    code, out, _ = headless.ended()
    assert (code, out.splitlines()[0], "1 row," in out) == (0, "Dense  cpu  batch 8", True)
    headless.start("good", "resume", "--failed")
    code, _, err = headless.ended()
    assert (code, "finished: 3 measured" in err) == (0, True)


def test_a_run_of_another_machine_is_refused_with_what_differs_unless_told_to(headless):
    headless.start("second", "run")
    headless.until_second_row()
    headless.send("SIGINT")
    headless.ended()
    path = headless.run_file()
    kept = path.read_bytes()
    headless.start("newer", "resume")
    code, _, err = headless.ended()
    assert code == 2
    assert "The run was begun on another machine or software: torch 2.1.0, was 2.0.0." in err
    assert "--anyway" in err
    assert path.read_bytes() == kept
    headless.start("newer", "resume", "--anyway")
    code, out, _ = headless.ended()
    assert code == 0
    assert "Its rows are of different machines or software, and must not be compared: torch 2.1.0, was 2.0.0." in out


@pytest.fixture
def other(tmp_path_factory):
    """A run in another folder, by somebody else as it were."""
    other = Headless(tmp_path_factory.mktemp("other"))
    yield other
    other.process.kill()
    other.process.wait()


def test_a_second_run_on_a_device_is_told_whose_it_is_and_may_wait(headless, other, tmp_path, monkeypatch):
    monkeypatch.setenv("CVBENCH_LOCKS", str(tmp_path / "locks"))
    other.start("second", "run")
    other.until_second_row()
    headless.start("good", "run")
    code, _, err = headless.ended()
    assert code == 0
    assert f"cpu is in use by cvbench-tui of {getpass.getuser()} (process {other.process.pid}, since" in err
    assert "The two runs disturb each other; --wait begins when that one has ended." in err
    headless.start("good", "run", "--wait", "-o", "a.md")
    wait_until(lambda: "Waiting until its run has ended." in headless.err.read_text())
    other.send("SIGINT")
    assert other.ended()[0] == 130
    code, _, err = headless.ended()
    assert (code, "finished: 3 measured" in err) == (0, True)
    theirs = load(other.run_file()).measured[-1].visit_records[-1]
    last = max(headless.runs.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    stamps = [each.measurement.visit_records[0] for each in read_events(last) if isinstance(each, CaseFinished)]
    assert min(each.begun_at_s for each in stamps) > theirs.begun_at_s


def test_a_run_that_waits_for_a_device_can_be_ended(headless, other, tmp_path, monkeypatch):
    monkeypatch.setenv("CVBENCH_LOCKS", str(tmp_path / "locks"))
    other.start("second", "run")
    other.until_second_row()
    headless.start("good", "run", "--wait")
    wait_until(lambda: "Waiting until its run has ended." in headless.err.read_text())
    headless.send("SIGTERM")
    code, out, _ = headless.ended()
    assert (code, out, list(headless.runs.glob("*.jsonl"))) == (143, "", [])


def test_a_run_that_was_killed_before_its_last_line_is_whole_after_a_resume(headless):
    headless.start("good", "run")
    assert headless.ended()[0] == 0
    path = headless.run_file()
    *lines, last = path.read_bytes().splitlines(keepends=True)
    assert b"run_finished" in last
    path.write_bytes(b"".join(lines))
    headless.start("good", "resume")
    code, _, err = headless.ended()
    assert (code, "Nothing to measure in" in err) == (0, True)
    assert load(path).ended == "finished"


def test_what_came_of_a_run_is_in_the_index_of_its_folder_and_of_no_other(headless):
    headless.start("good", "run")
    assert headless.ended()[0] == 0
    assert run_index.load(headless.runs)[headless.run_file().name].summary.invalid is not None
    elsewhere = headless.folder / "elsewhere"
    elsewhere.mkdir()
    *lines, _ = headless.run_file().read_bytes().splitlines(keepends=True)
    (elsewhere / "mine.jsonl").write_bytes(b"".join(lines[:3]))
    headless.start("good", "resume", str(elsewhere / "mine.jsonl"))
    assert headless.ended()[0] == 0
    assert [path.name for path in elsewhere.iterdir()] == ["mine.jsonl"]


def test_a_signal_is_heard_whatever_became_of_the_one_before():
    class Stubborn:
        asked = 0

        def cancel(self):
            self.asked += 1
            raise OSError(self.asked)

    session, ending = Stubborn(), Ending()
    ending.ends(session)
    for count in (1, 2):
        ending.came(signal.SIGTERM, None)
        wait_until(lambda count=count: session.asked == count)
    ending.over()


def test_a_file_of_our_own_that_cannot_be_written_is_loud(monkeypatch):
    def fails():
        raise OSError(errno.ENOSPC, "No space left on device", "ours")

    monkeypatch.setattr(main, "_run_command", fails)
    with pytest.raises(OSError, match="ours"):
        main._exit_code()
