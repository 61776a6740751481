"""The command line as a user types it, on a worker without torch."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cvbench_tui import __version__
from cvbench_tui.catalog.presets import preset_names
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.cli import list as listing
from cvbench_tui.cli import main as cli
from cvbench_tui.cli import run as headless
from cvbench_tui.cli.options import _complete_output, _duration_s
from cvbench_tui.engine.host import others
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.export.registry import EXPORTERS
from cvbench_tui.selftest.context import QUICK, THOROUGH
from tests.every import every
from tests.fake_machine import FakeMachine
from tests.processes import wait_until

FAKE = Path(__file__).parents[1] / "engine" / "workers" / "fake.py"


def test_a_run_prints_its_table_on_stdout_and_talks_on_stderr(type_):
    code, out, err = type_("run", "-m", "resnet18,VGG16", "-l", "Conv3x3/1", "-d", "cpu", "-b", "2")
    assert code == 0
    names = [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("|")]
    assert [name for name in names if not name.startswith(":")] == ["Model", "Resnet18", "VGG16", "Layer", "Conv3x3/1"]
    assert [err.count(f"[{number}/3] ") for number in (1, 2, 3)] == [1, 1, 1], "a line when a row needs no more visits"
    assert "finished: 3 measured" in err
    assert "[3/3]" not in out


def test_every_output_is_written_and_named(type_, tmp_path):
    code, _, err = type_("run", "-l", "Dense", "-o", "a.md", "-o", "b.json", "-o", "c.csv")
    assert code == 0
    assert (tmp_path / "a.md").read_text().startswith("### Layers on a CPU: fp32, batch 8")
    exported = json.loads((tmp_path / "b.json").read_text())
    (result,) = exported["results"]
    assert result["case"]["name"] == "Dense"
    assert result["case"]["kind"] == "layer"
    assert set(result["phases"]) == {"forward", "backward", "total", "inference"}
    forward = result["phases"]["forward"]
    assert (forward["median_s"], forward["min_s"]) == (pytest.approx(0.01), 0.01)
    assert (forward["n"], forward["rounds"]) == (15 * forward["visits"], 5 * forward["visits"])
    assert len(forward["samples_s"]) == forward["n"]
    assert result["memory_peak_bytes"] == 1 << 20
    (row,) = csv.DictReader((tmp_path / "c.csv").read_text().splitlines())
    assert "Dense" in row.values()
    for name in ("a.md", "b.json", "c.csv"):
        assert f"saved {name}" in err


def test_the_original_layout(type_):
    _, out, _ = type_("run", "-m", "vgg16", "--layout", "original")
    assert "## CPU USED --- a CPU" in out
    assert "|VGG16|Pytorch 2.0.0|0.01000 s|0.02000 s|0.03000 s|0.008000 s|" in out


def test_quiet_says_nothing_but_the_table(type_):
    code, out, err = type_("run", "-l", "Dense", "--quiet", "-o", "a.md")
    assert (code, err) == (0, "")
    assert "Dense" in out


def test_json_lines_are_the_run_file(type_, tmp_path):
    code, out, _ = type_("--runs-dir", "here", "run", "-l", "Dense", "--json-lines")
    assert code == 0
    kinds = [json.loads(line)["kind"] for line in out.splitlines()]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    (file,) = (tmp_path / "here").glob("*.jsonl")
    assert file.read_text() == out


def test_a_dry_run_measures_nothing(type_):
    code, out, _ = type_("run", "original-models", "--dry-run")
    assert code == 0
    assert len(out.splitlines()) == 10
    assert "Resnet152  cpu  batch 4 image 224" in out
    assert "9 rows, protocol default, about" in out
    assert type_("list", "runs")[1].startswith("runs (0)")


def test_what_cannot_be_had_is_said_before_the_run(type_):
    small = ("run", "-m", "alexnet,resnet18", "-d", "cpu", "-b", "1", "--image", "32")
    code, out, _ = type_(*small, "--dry-run")
    assert code == 0
    alexnet, resnet, total = out.splitlines()
    assert alexnet.endswith("image 32  unsupported: alexnet takes images of 63 px or more, not 32.")
    assert "  no training: Training needs batch 2 or more at 32 px" in resnet
    assert total.endswith("; 1 unsupported, 1 without training")
    _, _, err = type_(*small)
    assert "alexnet on cpu, batch 1: alexnet takes images of 63 px or more" in err
    assert "Resnet18 on cpu, batch 1: Training needs batch 2" in err

    large = type_("run", "-m", "vgg16,vgg19", "-d", "cpu", "-b", "65536", "--dry-run")[1].splitlines()
    assert all("  too large: needs about" in line for line in large[:2])
    assert large[-1].endswith("about 1:00:00; 2 will not fit in memory"), "each is given up after half an hour"


def test_extras_are_a_list_or_repeated(type_, monkeypatch):
    seen = []
    monkeypatch.setattr(
        headless, "selection_from", lambda *arguments: seen.append(arguments[7]) or Selection("s", (), (), None)
    )
    monkeypatch.setattr(headless, "measure", lambda *_, **__: 0)
    type_("run", "quick", "--extra", "energy, alone", "--extra", "flushed")
    assert seen == [("energy", "alone", "flushed")]


def test_a_failed_row_is_exit_code_1_and_stays_in_the_table(type_):
    code, out, err = type_("run", "-l", "Dense,BatchNorm", worker="crashing")
    assert code == 1
    assert "crashed" in out
    assert "signal 9" in out
    assert "1 measured, 1 failed" in err


def busy(monkeypatch, *used, **more):
    """Other programs use so many cores in each window."""
    machine = FakeMachine(*used, **more)
    monkeypatch.setattr(others, "ThisMachine", lambda cards: machine)
    return machine


def test_a_busy_machine_is_one_sentence_and_measured(type_, monkeypatch):
    busy(monkeypatch, 1.8)
    code, _, err = type_("run", "-l", "Dense", "-d", "cpu")
    assert code == 0
    remedy = "the times would be theirs too. Close them, or wait: --wait-idle 5m."
    assert f"Other programs use 1.8 of the 2 cores: {remedy}" in err.splitlines()
    assert type_("run", "-l", "Dense", "-d", "cpu", "--quiet")[2] == ""
    busy(monkeypatch, 0.1)
    assert "Other programs" not in type_("run", "-l", "Dense", "-d", "cpu")[2]


def test_a_dry_run_looks_at_nobody(type_, monkeypatch):
    machine = busy(monkeypatch, 1.8)
    assert "Other programs" not in type_("run", "quick", "--dry-run", "--wait-idle", "1h")[2]
    assert machine.windows == 0


def test_a_quota_is_named_as_one_and_not_waited_for(type_, monkeypatch):
    monkeypatch.setattr("cvbench_tui.cli.run.quota", lambda environment: "The container may use 0.5 of 2 cores.")
    machine = busy(monkeypatch, 0.0)
    _, _, err = type_("run", "-l", "Dense", "-d", "cpu", "--wait-idle", "1h")
    assert "The container may use 0.5 of 2 cores." in err.splitlines()
    assert "waiting" not in err
    assert machine.windows == 1


def test_a_run_waits_until_other_programs_have_left(type_, monkeypatch):
    machine = busy(monkeypatch, *[1.8] * 40, 0.0)
    code, _, err = type_("run", "-l", "Dense", "-d", "cpu", "--wait-idle", "5m")
    assert code == 0
    assert "Other programs use 1.8 of the 2 cores: waiting at most 5:00 until they have left." in err
    assert err.index("The machine is idle.") < err.index("[1/1] Dense")
    assert machine.windows > 40


def test_after_the_longest_wait_a_busy_machine_is_measured_as_it_is(type_, monkeypatch):
    machine = busy(monkeypatch, 1.8)
    code, _, err = type_("run", "-l", "Dense", "-d", "cpu", "--wait-idle", "90s")
    assert code == 0
    assert err.index("The machine is still busy") < err.index("[1/1] Dense")
    assert machine.now_s() == 91.0, "two windows before the wait"


@every(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600), ("0.5 H", 1800), ("0", 0)])
def test_a_duration_has_a_unit_or_is_in_seconds(text, seconds):
    assert _duration_s(None, wait_idle(), text) == seconds


@every("text", ["", "soon", "5 minutes", "-5", "5mm", "m", "1e3", "5d", "inf", "\x1b[2J"])
def test_a_duration_that_is_none_is_one_sentence_with_a_hint(text):
    with pytest.raises(SelectionError, match="is not a duration") as error:
        _duration_s(None, wait_idle(), text)
    assert error.value.hint == "Name seconds, minutes or hours: --wait-idle 5m"
    assert error.value.message.isprintable()
    assert error.value.exit_code == 2


def wait_idle():
    return next(option for option in cli.cli.commands["run"].params if option.name == "wait_idle_s")


def test_ctrl_c_while_waiting_writes_nothing(type_, monkeypatch, tmp_path):
    machine = busy(monkeypatch, 1.8)
    pause = machine.pause

    def interrupted(stopped):
        if machine.windows == 4:
            os.kill(os.getpid(), signal.SIGINT)
        pause(stopped)

    machine.pause = interrupted
    code, out, err = type_("--runs-dir", "here", "run", "-l", "Dense", "-d", "cpu", "--wait-idle", "1h", "-o", "a.md")
    assert (code, out) == (130, "")
    assert "waiting at most" in err
    assert {path.name for path in tmp_path.iterdir()} <= {"mark"}


@pytest.mark.parametrize("wait", [True, False])
def test_a_run_that_waits_for_a_device_tells_its_source_too(type_, monkeypatch, wait):
    """Two runs may wait for the same one: both see it free, and the source is what takes it."""
    told = []
    events = LiveSource.events
    monkeypatch.setattr(
        LiveSource, "events", lambda source, *more: (told.append(source.wait_for_devices), events(source, *more))[1]
    )
    assert type_("run", "-l", "Dense", "-d", "cpu", *["--wait"] * wait)[0] == 0
    assert told == [wait]


def test_strict_counts_rows_below_c_and_others_do_not(type_, monkeypatch):
    below = {"Dense"}
    monkeypatch.setattr(
        "cvbench_tui.cli.run.below_c",
        lambda run: [case for case in run.plan.cases if case.workload.name in below],
    )
    arguments = ("run", "-l", "Dense,BatchNorm", "-d", "cpu")
    assert type_(*arguments)[0] == 0
    code, _, err = type_(*arguments, "--strict")
    assert (code, err.splitlines()[-1]) == (1, "1 of 2 rows below C.")
    below.clear()
    code, _, err = type_(*arguments, "--strict")
    assert (code, err.splitlines()[-1]) == (0, "0 of 2 rows below C.")


def test_a_failed_row_is_below_c(type_):
    code, _, err = type_("run", "-l", "Dense,BatchNorm", "--strict", worker="crashing")
    assert code == 1
    assert err.splitlines()[-1].endswith("of 2 rows below C.")
    assert not err.splitlines()[-1].startswith("0")


def test_no_torch_is_a_sentence_with_a_hint(type_):
    code, out, err = type_("run", "quick", worker="notorch")
    assert code == 1
    assert out == ""
    assert "No module named 'torch'" in err
    assert "Traceback" not in err


@every(
    ("arguments", "words"),
    [
        (("run",), ["Nothing to measure"]),
        (("run", "qick"), ["Unknown preset", "quick"]),
        (("run", "resnet18"), ["Unknown preset", "-m resnet18 measures it", "resnets"]),
        (("run", "VIT BLOCK"), ["Unknown preset", "-l 'VIT BLOCK' measures it"]),
        (("run", "conv3x3/1"), ["conv3x3/1", "-l conv3x3/1 measures it"]),
        (("run", "-m", "resnet19"), ["Unknown model", "resnet18"]),
        (("run", "-l", "Conv3x3"), ["Unknown layer", "Conv3x3/1"]),
        (("run", "quick", "-d", "gpu"), ["Unknown device", "cuda:0"]),
        (("run", "quick", "-d", "cuda:0"), ["no usable device", "cuda:0", "cpu"]),
        (("run", "quick", "-d", ""), ["names nothing"]),
        (("run", "quick", "-m", " , "), ["names nothing"]),
        (("run", "quick", "-b", "0"), ["Batch '0'"]),
        (("run", "quick", "-b", "-8"), ["Batch '-8'"]),
        (("run", "quick", "-b", "9999999"), ["Batch '9999999'", "65536"]),
        (("run", "quick", "-b", "many"), ["Batch 'many'", "max"]),
        (("run", "quick", "-b", "8", "-b", "16"), ["--batch is given twice: '8' and '16'", "--batch A,B"]),
        (("run", "quick", "--image", "64", "--image", "32"), ["--image is given twice", "--image A,B"]),
        (("run", "quick", "--protocol", "quick", "--protocol", "default"), ["--protocol is given twice"]),
        (("run", "quick", "--layout", "full", "--layout", "short"), ["--layout is given twice"]),
        (("run", "quick", "--wait-idle", "5", "--wait-idle=6"), ["--wait-idle is given twice: '5' and '6'"]),
        (("show", "--sort", "total", "--sort", "name"), ["--sort is given twice"]),
        (("serve", "--port", "1", "--port", "2"), ["--port is given twice"]),
        (("--runs-dir", "a", "--runs-dir", "b", "list"), ["--runs-dir is given twice"]),
        (("--runs-dir", "a", "list", "--runs-dir", "b"), ["--runs-dir is given twice: 'a' and 'b'"]),
        (("selftest", "-d", "cpu", "--device", "cpu"), ["--device is given twice"]),
        (("run", "quick", "--extra", "energy,alon"), ["'alon'", "energy"]),
        (("run", "quick", "--extra", ","), ["--extra", "energy"]),
        (("run", "quick", "-d", "cpu:0"), ["Unknown device", "Nearest: cpu."]),
        (("run", "-m", "all"), ["Unknown model", "torchvision-all"]),
        (("run", "-l", "Everything"), ["Unknown layer", "modern-layers"]),
        (("run", "quick", "--image", "0"), ["Image size '0'"]),
        (("run", "quick", "--protocol", "slow"), ["slow", "rigorous"]),
        (("run", "quick", "--wait-idle", "soon"), ["'soon' is not a duration", "--wait-idle 5m"]),
        (("run", "missing.toml"), ["missing.toml"]),
        (("run", "quick", "-o", "a.txt"), ["a.txt", ".md"]),
        (("run", "quick", "-o", "nowhere/a.md"), ["nowhere"]),
        (("run", "quick", "-o", "."), ["."]),
        (("list", "everything"), ["everything", "models"]),
        (("show", "nothing"), ["nothing"]),
        (("show", "last"), ["no run", "quick"]),
        (("export", "last", "-o", "a.md"), ["no run"]),
        (("tui", "quick"), ["terminal", "run quick"]),
        (("runn",), ["runn"]),
    ],
)
def test_a_mistake_is_refused_before_anything_is_measured(type_, tmp_path, arguments, words):
    code, out, err = type_(*arguments)
    assert code == 2
    assert out == ""
    for word in words:
        assert word in err
    assert "Traceback" not in err
    assert not list(tmp_path.glob("*.md"))
    assert type_("list", "runs")[1].startswith("runs (0)")


def test_show_and_export_work_on_a_run_by_id_prefix_path_and_last(type_, tmp_path):
    type_("run", "-l", "Dense")
    (entry,) = json.loads(type_("list", "runs", "--json")[1])
    assert (entry["measured"], entry["ended"]) == (1, "finished")
    table = type_("show")[1]
    assert "Dense" in table
    for reference in ("last", entry["id"], entry["id"][:17], entry["path"]):
        assert type_("show", reference)[1] == table
    assert type_("export", "last", "-o", "again.json", "--layout", "full")[0] == 0
    assert json.loads((tmp_path / "again.json").read_text())["results"]


def test_export_wants_a_file_and_offers_every_format(type_):
    code, _, err = type_("export", "last")
    assert code == 2
    assert "--output" in err
    assert [item.value for item in _complete_output(EXPORTERS, None, None, "plots/table.")] == [
        f"plots/table{suffix}" for suffix in EXPORTERS
    ]
    assert [item.value for item in _complete_output(EXPORTERS, None, None, "table.j")] == ["table.json"]
    for typed in ("", "plots/", "table.md", "table.x"):
        (item,) = _complete_output(EXPORTERS, None, None, typed)
        assert (item.value, item.type) == (typed, "plain" if typed == "table.md" else "file")


def test_show_sorts(type_):
    type_("run", "-l", "Dense,BatchNorm,AvgPool")
    lines = [line for line in type_("show", "--sort", "name")[1].splitlines() if line.startswith("| ")]
    assert [line.split("|")[1].strip() for line in lines] == ["Layer", "AvgPool", "BatchNorm", "Dense"]
    code, _, err = type_("show", "--sort", "speed")
    assert code == 2
    assert "inference" in err


@pytest.mark.parametrize("kind", [*listing.LISTS, "runs"])
def test_every_list_as_text_and_as_json(type_, kind):
    type_("run", "-l", "Dense")
    code, text, _ = type_("list", kind)
    assert code == 0
    rows = json.loads(type_("list", kind, "--json")[1])
    assert text.startswith(f"{kind} ({len(rows)})")
    assert rows


def test_the_list_of_everything(type_):
    _, out, _ = type_("list")
    assert out.startswith("models (")
    assert f"presets ({len(preset_names())})" in out
    assert set(json.loads(type_("list", "--json")[1])) == {"models", "layers", "presets"}


def test_a_full_disk_behind_stdout_is_a_sentence():
    command = f"{sys.executable} -m cvbench_tui list models > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor(type_):
    code, out, _ = type_("doctor")
    assert code == 0
    for word in ("cvbench-tui", "textual", "size", "runs", "a CPU", "torch"):
        assert word in out
    code, out, _ = type_("doctor", worker="notorch")
    assert code == 1
    assert "No module named 'torch'" in out


def test_help_version_and_completion(type_):
    assert type_("--version") == (0, f"cvbench-tui, version {__version__}\n", "")
    help_text = type_("--help")[1]
    for command in cli.cli.commands:
        assert command in help_text
        assert type_(command, "--help")[1].startswith("Usage: cvbench-tui")
    for shell in cli.SHELLS:
        assert "_CVBENCH_TUI_COMPLETE" in type_("completion", shell)[1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cvbench-tui run -m resnet1", "resnet18"),
        ("cvbench-tui run -m vgg16,resnet15", "vgg16,resnet152"),
        ("cvbench-tui run -l Conv3x3/", "Conv3x3/1"),
        ("cvbench-tui run -l dens", "Dense"),
        ("cvbench-tui run orig", "original-models"),
        ("cvbench-tui show la", "last"),
        ("cvbench-tui show --sort inf", "inference"),
        ("cvbench-tui run -d c", "cpu"),
        ("cvbench-tui run -d cpu,cu", "cpu,cuda:0"),
        ("cvbench-tui selftest -d mp", "mps"),
    ],
)
def test_completion_knows_the_names(words, expected):
    environment = {
        **os.environ,
        "_CVBENCH_TUI_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run([sys.executable, "-m", "cvbench_tui"], env=environment, capture_output=True, text=True)
    assert f"plain,{expected}" in done.stdout.splitlines()


def test_without_a_terminal_the_bare_command_runs_quick(type_):
    code, out, err = type_()
    assert code == 0
    assert "No terminal" in err
    assert "Running 'cvbench-tui run quick' instead." in err
    assert "| Resnet18" in out


class Screen(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def isatty(self):
        return True

    @property
    def written(self):
        return self.buffer.getvalue().decode()


@pytest.fixture
def screen(monkeypatch):
    """All three streams are terminals; returns stdout and stderr."""
    streams = {name: Screen() for name in ("stdin", "stdout", "stderr")}
    monkeypatch.setenv("TERM", "xterm-256color")

    def attach():
        for name, stream in streams.items():
            monkeypatch.setattr(sys, name, stream)
        return streams["stdout"], streams["stderr"]

    return attach


def test_a_dumb_terminal_gets_sentences_with_the_reason(type_, screen, monkeypatch):
    out, err = screen()
    monkeypatch.setenv("TERM", "dumb")
    assert type_()[0] == 0
    assert "TERM=dumb: this terminal cannot move its cursor" in err.written
    assert "Running 'cvbench-tui run quick --plain' instead." in err.written
    assert "Resnet18 on cpu, batch 1, image 224 pixels: forward" in out.written
    assert "\x1b" not in out.written + err.written
    assert type_("tui", "quick")[0] == 2
    assert "cvbench-tui run quick" in err.written


@pytest.mark.parametrize(
    ("arguments", "preset", "ascii_only"),
    [
        ((), None, False),
        (("--ascii",), None, True),
        (("tui",), None, False),
        (("tui", "quick"), "quick", False),
        (("tui", "quick", "--ascii"), "quick", True),
        (("--ascii", "tui"), None, True),
    ],
)
def test_the_app_is_opened_with_what_was_asked_for(type_, screen, monkeypatch, tmp_path, arguments, preset, ascii_only):
    opened = {}
    monkeypatch.setattr("cvbench_tui.cli.app.show_app", lambda source, **how: opened.update(source=source, **how) or 7)
    screen()
    assert type_("--runs-dir", str(tmp_path / "runs"), *arguments)[0] == 7
    selection = opened.pop("selection")
    assert (selection is None) == (preset is None)
    assert opened.pop("source").probe().devices
    assert opened == {"runs_folder": tmp_path / "runs", "ascii": ascii_only, "named": []}


def test_the_app_waits_for_no_measuring_code():
    """Everything up to the first frame, in a fresh interpreter: what the worker's answers need comes later."""
    code = (
        "import sys\n"
        "from cvbench_tui.cli import app\n"
        "import cvbench_tui.tui.launch\n"
        "app.show_app = lambda source, **how: 0\n"
        "app.open_app(None)\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "cvbench_tui.engine.live" in loaded
    assert not loaded & {"torch", "pydantic", "psutil", "cvbench_tui.cli.run"}


def test_an_interrupt_keeps_and_writes_what_is_finished(tmp_path):
    """A real Ctrl-C in the middle of the second row."""
    script = (
        "import sys\n"
        "from cvbench_tui.cli import main, run\n"
        "from cvbench_tui.engine.live import LiveSource\n"
        f"run.live_source = lambda *_, **__: LiveSource((sys.executable, {str(FAKE)!r}, 'second', 'mark'))\n"
        "sys.argv = ['cvbench-tui', 'run', '-l', 'Dense,BatchNorm,AvgPool', '-o', 'a.md']\n"
        "main.main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            wait_until(lambda: (tmp_path / "mark").exists() or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
        finally:
            process.kill()
    assert process.returncode == 130
    assert "cancelled: 1 measured, 1 cancelled, 1 not begun" in err
    for text in (out, (tmp_path / "a.md").read_text()):
        assert "cancelled" in text
        assert "not begun" in text


def test_a_reader_that_goes_away_is_no_traceback(type_):
    type_("run", "-l", "Dense")
    command = f"{sys.executable} -m cvbench_tui list models | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout.startswith("models (")
    assert done.stderr == ""


def test_the_selftest_says_which_devices_it_can_test(type_):
    code, out, err = type_("selftest", "-d", "cuda:0")
    assert (code, out) == (2, "")
    assert "no usable device cuda:0" in err
    assert "It has cpu." in err


def test_the_selftest_is_explained(type_):
    code, out, _ = type_("selftest", "--help")
    assert code == 0
    assert "--quick" in out
    assert "--thorough" in out
    assert "undecided" in out


@pytest.mark.parametrize(("option", "scope"), [("--quick", QUICK), ("--thorough", THOROUGH), ("--json", None)])
def test_the_selftest_does_less_or_more(type_, monkeypatch, option, scope):
    from cvbench_tui.selftest import program

    asked = {}
    monkeypatch.setattr(program, "selftest", lambda **options: asked.update(options) or 0)
    assert type_("selftest", option)[0] == 0
    assert asked["scope"] == scope


def test_the_selftest_is_not_quick_and_thorough(type_):
    code, _, err = type_("selftest", "--quick", "--thorough")
    assert code == 2
    assert "exclude each other" in err


def test_what_no_command_takes_is_not_offered(tmp_path, monkeypatch):
    from cvbench_tui.catalog import presets
    from cvbench_tui.cli.options import _names

    entries = presets.preset_entries()
    broken = presets.PresetEntry("broken", "", True, 0, "No.")
    monkeypatch.setattr(presets, "preset_entries", lambda: (*entries, broken))
    assert "broken" not in _names("presets")
    assert "unit" not in _names("columns")
