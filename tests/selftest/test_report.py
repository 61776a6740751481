"""The table and the JSON of the selftest."""

from __future__ import annotations

import json

from cvbench_tui.selftest import verdict
from cvbench_tui.selftest.checks import CHECKS
from cvbench_tui.selftest.figures import Point, RatioEstimate
from cvbench_tui.selftest.program import json_text, summary, table
from cvbench_tui.selftest.verdict import Interval, VerdictLine

LINES = (
    VerdictLine("bare loop", "Dense, total", "ratio 1.0010", "±0.3%", "pass", "The interval is within 1%."),
    VerdictLine(
        "fused marks", "Resnet18, forward alone", "ratio 1.05", "±31%", "undecided", "Too noisy.", (("ratio", 1.05),)
    ),
    VerdictLine("async trap", "returns early", "20 µs of 100 ms, A", "-", "FAIL", "Work was missed."),
)


def test_one_line_a_check_where_there_is_room():
    text = table(LINES, 200)
    heading, *rows = text.splitlines()
    assert heading.split() == ["verdict", "check", "compared", "figure", "noise"]
    assert len(rows) == 3
    starts = {row.index(line.compared) for row, line in zip(rows, LINES, strict=True)}
    assert starts == {heading.index("compared")}
    assert rows[2].startswith("FAIL")
    assert rows[2].endswith("Work was missed.")


def test_sentences_go_below_where_there_is_none():
    text = table(LINES, 85)
    assert len(text.splitlines()) == 7
    assert max(map(len, text.splitlines())) <= 85
    assert "           Too noisy." in text
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_the_widest_lines_fit_100_columns():
    """Of every check, with the longest names and figures that it has, on a machine of 128 cores."""
    wide = RatioEstimate(0.9991, 0.9584, 1.0094, 0.12, 12)
    points = [Point(seconds, 0.9 * seconds - 1e-4, 0.5 * seconds) for seconds in (1e-4, 3e-1)]
    pair = Interval(1.0, 0.7, 1.3), Interval(1.4, 1.29, 1.6)
    lines = [
        verdict.ratio_line("bare loop", "Conv3x3 middle, inference", wide, 0.005),
        verdict.ratio_line("fused marks", "spin of 5.000 ms, backward alone", wide, 0.02),
        verdict.ratio_line("fused marks", "Conv3x3 middle, backward alone", wide, 0.02),
        *verdict.duration_lines(points, points),
        verdict.twice_line("Conv3x3 middle, resnet18, Dense", [pair] * 14),
        verdict.empty_region_line("marks of all runs above", 123.4e-9, 2.345e-3),
        verdict.hidden_work_line("returns early, inference", 100.1e-3, 100e-3, "X"),
        verdict.known_duration_line("timer trap", "timers at a tenth, inference", Point(0.02, 0.03, 0.02, 0.021), 0.02),
        verdict.nothing_line(123.4e-9, seen=True),
        verdict.busy_line("Conv3x3 middle, 128 busy processes", [True] * 4),
        *(verdict.broken_line(title, "No number for inference of " + "x" * 60, ours=True) for title, _ in CHECKS),
    ]
    assert max(map(len, table(lines, 100).splitlines())) <= 100
    assert max(len(verdict.closing(lines[:count])) for count in range(1, len(lines))) <= 100


def test_the_summary_counts():
    assert summary(LINES) == "1 passed, 1 undecided, 1 failed"
    assert summary(LINES[:2]) == "1 passed, 1 undecided, none failed"


def test_json_has_the_figures():
    found = json.loads(json_text(LINES, {"device": "cpu"}))
    assert (found["device"], found["failed"]) == ("cpu", True)
    assert found["lines"][1]["numbers"] == {"ratio": 1.05}
    assert not json.loads(json_text(LINES[:2], {}))["failed"]
