"""What a screen reader gets, and what a terminal of ASCII, or one without colours, gets."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.cli import main as cli
from cvbench_tui.cli import run as headless
from cvbench_tui.cli.ascii_streams import only_ascii
from cvbench_tui.cli.progress import print_table
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.view import View
from tests.results.samples import CONV, graded_run, plan, run_of

DATA = Path(__file__).parent / "data"
FAKE = Path(__file__).parent / "engine" / "workers" / "fake.py"


@pytest.fixture
def type_(monkeypatch, tmp_path):
    """Type a command; returns exit code, stdout and stderr, each as the bytes that were written."""
    monkeypatch.chdir(tmp_path)
    command = (sys.executable, str(FAKE), "good", str(tmp_path / "mark"))
    monkeypatch.setattr(headless, "live_source", lambda *_, **__: LiveSource(command))

    def run(*arguments: str, terminal: bool = False, encoding: str = "utf-8"):
        written = {}
        for name in ("stdout", "stderr"):
            written[name] = io.BytesIO()
            stream = io.TextIOWrapper(written[name], encoding=encoding, write_through=True)
            monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
            monkeypatch.setattr(sys, name, stream)
        monkeypatch.setattr(sys, "argv", ["cvbench-tui", *arguments])
        code = cli._exit_code()
        return code, written["stdout"].getvalue(), written["stderr"].getvalue()

    return run


# -- sentences


def test_a_row_is_a_paragraph_of_labelled_values_and_each_reason_another():
    paragraphs = sentences(load(DATA / "graded.jsonl")).strip().split("\n\n")
    assert len(paragraphs) == 22
    assert paragraphs[0] == "graded: 10 rows, protocol default, 9 measured (1 invalid), 1 failed."
    resnet = paragraphs[1]
    assert resnet.startswith(
        "Resnet18 on cpu, batch 8, image 224 pixels: forward 64.00 ms, plus or minus 0.2 percent; backward "
    )
    for words in (
        "throughput 138.9 images per second, plus or minus 0.2 percent;",
        "samples 90 in 9 rounds and 1 repeated, then 100 in 10 rounds;",
        "inference compute 100.0 GFLOP per second, 10 percent of the measured peak, plus or minus 0.2 percent;",
        "inference energy not available; memory 1.00 GiB; first call 640 ms; quality A.",
    ):
        assert words in resnet
    assert paragraphs[2] == "VGG16 on cpu, batch 8, image 224 pixels: OOM."
    assert paragraphs[11].startswith("VGG16 cpu: OOM. Not enough memory on the device")
    assert paragraphs[12].startswith("X impossible in BatchNorm cuda:0 (forward, backward, total): The total is only ")
    noted = "Note on Resnet18 cpu (forward, backward, total): Repeated 1 of 10 rounds: contention 1."
    assert any(text.startswith(noted) for text in paragraphs)
    assert paragraphs[-1].startswith("Measured 2025-11-24 16:00:00 UTC with cvbench-tui 0.1.0, run ")
    assert "cuda:0 is Example GPU [test]." in paragraphs[-1]
    two_speeds = next(text for text in paragraphs if text.startswith("Conv3x3/1 on cuda:0"))
    assert "forward 2.00 or 2.59 ms;" in two_speeds
    assert "0.113 joules per image, its two sources differ;" in two_speeds


def test_every_number_of_the_table_is_said():
    run = load(DATA / "graded.jsonl")
    table = build(run)
    paragraphs = sentences(run).split("\n\n")[1 : 1 + len(table.rows)]
    for row, paragraph in zip(table.rows, paragraphs, strict=True):
        written = table.texts(row, "file")
        for place in visible_columns(table, "file"):
            for number in re.findall(r"\d+(?:\.\d+)?", written[place]):
                assert number in paragraph, (table.columns[place].key, written[place])


def test_no_sign_is_left_that_is_not_read_aloud():
    for name in ("graded.jsonl", "good.jsonl"):
        text = sentences(load(DATA / name))
        assert text.isascii()
        assert not re.search(r"img|/s\b|\d\?|\*", text)
    assert "\u00b5" not in sentences(graded_run())


def test_the_published_method_says_the_least_sample_too():
    run = load(DATA / "good.jsonl")
    published = replace(run, plan=replace(run.plan, protocol=PROTOCOLS["original"]))
    assert re.search(r"forward mean [0-9.]+ ms(, plus or minus [0-9.]+ percent)?, least [0-9.]+;", sentences(published))


def test_rows_without_numbers_and_hostile_texts():
    case = Case(replace(CONV, name="odd\x1b[2J"), "cpu", 8)
    failure = Failure(case.case_id, "error", "It said\n\n\x1b]0;title\x07 \u00b11%.")
    other = Case(CONV, "cuda:0", 8)
    run = replace(run_of(plan(case, other), failure), ended=None)
    paragraphs = sentences(run).split("\n\n")
    assert re.search(r"error\. It said \S+\]0;title\S+ plus or minus 1%\.$", paragraphs[3])
    assert paragraphs[1].endswith(": error.")
    assert paragraphs[2].endswith(": queued.")
    assert "The run had not ended when this was written." in paragraphs[-1]
    assert "\x1b" not in "".join(paragraphs)


def test_sentences_are_sorted_as_the_table_is():
    run = load(DATA / "graded.jsonl")
    said = [text.split(" ")[0] for text in sentences(run, View(sort="name")).split("\n\n")[1:11]]
    assert said == sorted(said)
    with pytest.raises(SelectionError):
        sentences(run, View(sort="speed"))


# -- the commands


@pytest.mark.parametrize("terminal", [False, True])
def test_a_plain_run_is_lines_and_sentences_and_moves_no_cursor(type_, terminal, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    code, out, err = type_("run", "-m", "resnet18,VGG16", "-d", "cpu", "--plain", terminal=terminal)
    assert code == 0
    assert b"\x1b" not in out + err
    assert b"\r" not in out + err
    said = [line for line in err.decode().splitlines() if line.startswith("[")]
    assert sorted(line.split()[1] for line in said) == ["Resnet18", "VGG16"], "a line for each row, not for each visit"
    assert "Resnet18 on cpu, batch 8, image 224 pixels: forward 10.00 ms" in out.decode()
    assert type_("show", "--plain", terminal=terminal)[1] == out


def test_plain_and_a_layout_exclude_each_other(type_):
    for command in (("run", "quick"), ("show",)):
        code, out, err = type_(*command, "--plain", "--layout", "full")
        assert (code, out) == (2, b"")
        assert b"exclude each other" in err


@pytest.mark.parametrize("how", ["before", "after", "C", "latin-1"])
@pytest.mark.parametrize("terminal", [False, True])
def test_only_ascii_is_printed_where_that_is_asked_for_or_all_there_is(type_, monkeypatch, how, terminal):
    monkeypatch.setenv("COLUMNS", "200")
    (Path.cwd() / "\u00fcber.toml").write_text('layers = ["Dense"]\ndevices = ["cpu"]\n')
    if how in ("C", "latin-1"):
        monkeypatch.setenv("LC_ALL", {"C": "C", "latin-1": "en_US.ISO-8859-1"}[how])
    encoding = {"latin-1": "iso-8859-1"}.get(how, "utf-8")
    for command in (
        ("run", "\u00fcber.toml"),
        ("show",),
        ("show", "--plain"),
        ("show", "\u00fcber"),
        ("list", "presets"),
    ):
        arguments = {"before": ("--ascii", *command), "after": (*command, "--ascii")}.get(how, command)
        if how == "after" and command[0] == "list":
            continue
        code, out, err = type_(*arguments, terminal=terminal, encoding=encoding)
        assert code == (2 if command[-1] == "\u00fcber" else 0), err
        assert out.isascii()
        assert err.isascii()
        if command == ("show",):
            assert b"10.00" in out
            assert b" +-" in out


def test_without_a_wish_the_signs_stay(type_):
    type_("run", "-l", "Dense")
    assert "\u00b1" in type_("show")[1].decode()


def test_events_in_ascii_are_the_same_events(type_, tmp_path):
    (tmp_path / "caf\u00e9 \U0001f600 \u00b1.toml").write_text('layers = ["Dense"]\n')
    _, out, _ = type_("--ascii", "--runs-dir", "here", "run", "caf\u00e9 \U0001f600 \u00b1.toml", "--json-lines")
    assert out.isascii()
    (file,) = (tmp_path / "here").glob("*.jsonl")
    assert [json.loads(line) for line in out.splitlines()] == [
        json.loads(line) for line in file.read_text().splitlines()
    ]


def test_the_columns_of_a_table_in_ascii_stand_below_each_other(monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="utf-8", write_through=True))
    only_ascii(True)
    print_table(graded_run())
    lines = written.getvalue().decode("ascii").splitlines()
    heading = lines[0].rstrip()
    assert {len(line.rstrip()) >= len(heading) - 8 for line in lines[1:5]} == {True}
    ends = heading.index("Forward") + len("Forward")
    assert {line[ends - 2 : ends] for line in lines[1:5]} <= {"2%", "6%", "59", "00", " -"}


def test_no_color_writes_no_colours_and_a_dumb_terminal_gets_lines(type_, monkeypatch):
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv(name, value)
        _, out, err = type_("run", "-l", "Dense,BatchNorm", terminal=True)
        codes = re.findall(rb"\x1b\[([0-9;]*)m", out + err)
        assert not [code for code in b";".join(codes).split(b";") if re.fullmatch(rb"[34]\d|9\d|10\d", code)]
        if name == "TERM":
            assert b"\x1b" not in out + err
