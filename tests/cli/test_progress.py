"""The table on a terminal, as a headless run prints it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from cvbench_tui.cli import progress
from cvbench_tui.cli.progress import Reporter, outcome_line, print_table
from cvbench_tui.core.event import CaseFailed, CaseFinished
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.results.table.build import build
from tests.results.samples import CONV, graded_run, measurement, plan, run_of
from tests.results.test_markdown_short import waiting


def test_a_number_of_grade_x_is_marked_without_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    print_table(graded_run())
    printed = capsys.readouterr().out
    (row,) = [line for line in printed.splitlines() if line.startswith("BatchNorm") and " cuda:0 " in line]
    for number in (" ms ", " 1.000 ", " 2.000 ", " 0.9000 ", " 8889 img/s ", " 30.00 TFLOP/s 10% ", " X impossible"):
        assert number in row
    assert "\u00b1" not in row, "an interval would make it look reliable"


def test_a_finished_row_is_a_line_and_a_visit_is_none() -> None:
    case, lines = Case(CONV, "cpu", 8), list[str]()
    show = Reporter(lines.append)
    run = replace(run_of(plan(case), measurement(case, 0.1)), ended=None)
    visit = replace(run.measured[0], visit_rounds=())
    show.update(CaseFinished(visit), replace(run, outcomes={case.case_id: visit}))
    assert lines == []
    show.update(CaseFinished(visit), run)
    assert [line.rsplit(maxsplit=1)[-1] for line in lines] == ["A"]
    failure = Failure(case.case_id, "error", "It ended.")
    show.update(CaseFailed(failure), replace(run, outcomes={case.case_id: visit}))
    assert lines[1].endswith("It ended.")


def test_a_reason_that_several_rows_share_is_printed_once(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    cases = [Case(CONV, "cpu", batch) for batch in (1, 2, 4, 8, 16)]
    rows = [
        replace(measurement(case, 0.1), passes=waiting(percent))
        for case, percent in zip(cases, range(7, 12), strict=True)
    ]
    print_table(run_of(plan(*cases), *rows))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "waited" in line]
    assert line.startswith("C busy in 5 rows: Benchmark threads waited for a CPU core up to 11% of the time. ")


def test_a_name_and_a_sentence_give_the_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    case = Case(replace(CONV, name="odd\x1b[2J"), "cpu", 8)
    failure = Failure(case.case_id, "error", "It said \x1b]0;title\x07.")
    run = run_of(plan(case), failure)
    print_table(run)
    printed = capsys.readouterr().out + outcome_line(CaseFailed(failure), run)
    assert "\x1b" not in printed
    assert printed.count("It said \\x1b]0;title\\x07.") == 2


def test_a_table_that_fits_is_written_as_rich_would(capsys: pytest.CaptureFixture[str]) -> None:
    table = build(graded_run())
    places = range(len(table.columns))
    written = {}
    for width in (10_000, 1):
        drawn = progress._drawn(table, places, width)
        Console(width=10_000).print(drawn)
        written[type(drawn).__name__] = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert written["Segments"] == written["Table"]
    assert len(written["Table"]) == 1 + len(table.rows)
