"""The table on a terminal, as a headless run prints it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.cli.progress import outcome_line, print_table
from cvbench_tui.core.event import CaseFailed
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from tests.results.samples import CONV, graded_run, plan, run_of


def test_a_number_of_grade_x_is_marked_without_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    print_table(graded_run())
    printed = capsys.readouterr().out
    (row,) = [line for line in printed.splitlines() if line.startswith("BatchNorm") and " cuda:0 " in line]
    for number in (" ms ", "1.000 X", "2.000 X", "0.900 X", "8892 img/s X", "30.00 TFLOP/s 10% X", "J/img? X"):
        assert number in row


def test_a_name_and_a_sentence_give_the_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    case = Case(replace(CONV, name="odd\x1b[2J"), "cpu", 8)
    failure = Failure(case.case_id, "error", "It said \x1b]0;title\x07.")
    run = run_of(plan(case), failure)
    print_table(run)
    printed = capsys.readouterr().out + outcome_line(CaseFailed(failure), run)
    assert "\x1b" not in printed
    assert printed.count("It said \\x1b]0;title\\x07.") == 2
