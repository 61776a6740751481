"""The table and the JSON of the selftest."""

from __future__ import annotations

import json

from cvbench_tui.selftest.program import json_text, summary, table
from cvbench_tui.selftest.verdict import VerdictLine

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


def test_the_summary_counts():
    assert summary(LINES) == "1 passed, 1 undecided, 1 failed"
    assert summary(LINES[:2]) == "1 passed, 1 undecided, none failed"


def test_json_has_the_figures():
    found = json.loads(json_text(LINES, {"device": "cpu"}))
    assert (found["device"], found["failed"]) == ("cpu", True)
    assert found["lines"][1]["numbers"] == {"ratio": 1.05}
    assert not json.loads(json_text(LINES[:2], {}))["failed"]
