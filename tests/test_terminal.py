"""The real program in a real pseudo-terminal: over a recorded run, and, where that is marked, with real torch."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.processes import descendants, wait_until, wait_until_gone
from tests.pseudo_terminal import PseudoTerminal, colour_codes

PROGRAM = ("-m", "cvbench_tui")
REPLAYED = ("-m", "tests.programs.replayed_app")
PRESET = 'layers = ["Dense"]\nbatch = 1\ndevices = ["cpu"]\nprotocol = "quick"\n'
Start = Callable[..., PseudoTerminal]


@pytest.fixture
def start(tmp_path) -> Iterator[Start]:
    """Starts a program in a terminal; ends it afterwards."""
    (tmp_path / "one.toml").write_text(PRESET)
    opened: list[PseudoTerminal] = []

    def begin(*command: str, **how) -> PseudoTerminal:
        opened.append(PseudoTerminal(*command, folder=tmp_path, **how))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


def run_save_and_quit(screen: PseudoTerminal) -> None:
    """The whole flow over the recorded run."""
    screen.wait_for("10 rows, about")
    screen.press("r")
    screen.wait_for("finished")
    screen.press("s")
    screen.wait_for("Writes markdown")
    screen.press("\r")
    screen.wait_for("Saved ")
    screen.press("q")
    assert screen.end() == 0


# -- over a recorded run


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_from_launch_to_the_saved_file_and_both_stay_in_the_scrollback(start, tmp_path, columns, rows):
    screen = start(*REPLAYED, columns=columns, rows=rows)
    run_save_and_quit(screen)
    (saved,) = tmp_path.glob("*.md")
    assert re.search(r"\| Resnet18 +\| +64.0", saved.read_text())
    left = screen.written.rpartition(b"\x1b[?1049l")[2].decode()
    assert re.search(r"Resnet18 +cpu", left)
    assert re.search(r"VGG16 .*OOM", left)
    assert f"saved {saved}" in left.replace("\r\n", "")


def test_no_color_writes_no_colour_from_the_first_byte_to_the_last(start):
    screen = start(*REPLAYED, env={"NO_COLOR": "1", "COLORTERM": "truecolor"})
    run_save_and_quit(screen)
    assert colour_codes(screen.written) == set()
    assert b"\x1b[1m" in screen.written or b";1m" in screen.written, "what is told by style is still told"


def test_with_colours_the_same_search_finds_some(start):
    screen = start(*REPLAYED, env={"COLORTERM": "truecolor"})
    screen.wait_for("10 rows, about")
    assert "38" in colour_codes(screen.written)


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("--ascii",), {}),
        ((), {"LC_ALL": "C"}),
        ((), {"LC_ALL": "en_US.ISO-8859-1"}),
        ((), {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    ],
    ids=["asked", "C", "latin-1", "C-strict"],
)
def test_only_ascii_is_written_where_that_is_asked_for_or_all_there_is(start, arguments, env):
    screen = start(*REPLAYED, *arguments, env=env)
    run_save_and_quit(screen)
    other = re.findall(rb".{0,40}[\x80-\xff]+.{0,40}", screen.written)
    assert other == []
    assert b"+-" in screen.written


def test_ctrl_z_gives_the_terminal_back_and_the_app_comes_back(start):
    screen = start(*REPLAYED)
    screen.wait_for("10 rows, about")
    screen.press("\x1a")
    screen.wait_for_state("T")
    while b"\x1b[?1049l" not in screen.written:  # until the other screen is left
        screen.read()
    screen.forget()
    screen.process.send_signal(signal.SIGCONT)
    screen.wait_for("10 rows, about")
    run_save_and_quit(screen)


def test_a_storm_of_resizes_is_weathered(start):
    screen = start(*REPLAYED, "--pause", "0.02")
    screen.wait_for("10 rows, about")
    screen.press("r")
    for number in range(100):
        screen.resize(20 + number * 37 % 281, 5 + number * 53 % 96)
        screen.read(0.005)
    for columns in (119, 120):
        screen.forget()
        screen.resize(columns, 40)
        screen.wait_for("finished")
    screen.press("?")
    screen.wait_for("Anywhere")
    screen.press("\x1b")
    screen.wait_for("y copies a row")  # the help stood in front of it
    screen.press("q")
    assert screen.end() == 0
    assert b"Traceback" not in screen.written


def test_quitting_in_mid_run_asks_once_and_ends(start):
    screen = start(*REPLAYED, "--pause", "0.5")
    screen.wait_for("10 rows, about")
    screen.press("r")
    screen.wait_for("running")
    screen.press("q")
    screen.wait_for("Stop it and quit?")
    screen.press("y")
    assert screen.end() == 0


def test_a_hangup_ends_the_program(start):
    screen = start(*REPLAYED)
    screen.wait_for("10 rows, about")
    os.close(screen.master)
    screen.process.send_signal(signal.SIGHUP)
    screen.process.wait()
    screen.master = os.open(os.devnull, os.O_RDONLY)


def test_a_dumb_terminal_gets_a_sentence_and_no_app(start):
    screen = start(*PROGRAM, "tui", "quick", env={"TERM": "dumb"})
    assert screen.end() == 2
    assert "TERM=dumb" in screen.text
    assert "cvbench-tui run quick" in screen.text
    assert b"\x1b" not in screen.written


# -- with real torch


ANYWAY = "Run anyway"


def begin(screen: PseudoTerminal, words: str) -> None:
    """Run, also on a machine that is busy, until the words are drawn."""
    screen.press("r")
    while words not in screen.text and ANYWAY not in screen.text:
        screen.read()
    if ANYWAY in screen.text:
        screen.press("r")
        screen.wait_for(words)


@pytest.mark.slow
@pytest.mark.torch
def test_from_launch_to_the_saved_file_with_real_torch(start, tmp_path):
    screen = start(*PROGRAM, "tui", "one.toml")
    screen.wait_for("1 row, about")
    begin(screen, "finished")
    screen.press("s")
    screen.wait_for("Writes markdown")
    screen.press("\r")
    screen.wait_for("Saved ")
    screen.press("q")
    assert screen.end() == 0
    (saved,) = tmp_path.glob("*.md")
    assert re.search(r"\| Dense +\| +[0-9.-]+", saved.read_text())
    (run,) = (tmp_path / "runs").glob("*.jsonl")
    assert '"kind":"run_finished"' in run.read_text()


@pytest.mark.slow
@pytest.mark.torch
def test_quitting_in_mid_run_leaves_no_process_behind(start):
    screen = start(*PROGRAM, "tui", "torchvision-all")
    screen.wait_for("80 rows, about")
    begin(screen, "building")
    workers = wait_until(lambda: found if len(found := descendants(screen.process.pid)) >= 2 else [])
    screen.press("q")
    screen.wait_for("Stop it and quit?")
    screen.press("y")
    assert screen.end() == 0
    wait_until_gone(*workers)


@pytest.mark.torch
def test_a_plain_run_on_a_terminal_writes_no_sequence_at_all(start):
    screen = start(*PROGRAM, "run", "one.toml", "--plain", "--ascii")
    assert screen.end() == 0
    assert b"\x1b" not in screen.written
    assert screen.written.isascii()
    assert "[1/1] Dense" in screen.text
    assert re.search(r"Dense on cpu, batch 1: forward [0-9.]+ \w+", screen.text)
