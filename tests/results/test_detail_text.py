from __future__ import annotations

import pytest

from cvbench_tui.core.measurement import PHASES, Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.results.detail.row import detail, detail_text, histograms
from tests.results.samples import graded_run, measurement, model, plan, run_of

CASE = Case(model("\u6a21"), "cpu", 8)


def test_every_section_pair_and_line_is_there_in_order() -> None:
    run = graded_run()
    for case in run.plan.cases:
        text = detail_text(run, case.case_id)
        place = 0
        for section in detail(run, case.case_id):
            wanted = [section.title, *(word for pair in section.pairs for word in pair), *section.lines]
            for word in wanted:
                place = text.index(word, place)


def test_labels_stand_in_a_column_and_sections_apart() -> None:
    text = detail_text(run_of(plan(CASE), measurement(CASE, 0.1)), CASE.case_id)
    head = text.split("\n\n")[0].splitlines()
    assert head[:3] == ["\u6a21", "  quality    A", "  kind       model"]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_the_counts_of_the_samples_are_below_their_phase() -> None:
    run = run_of(plan(CASE), measurement(CASE, 0.1))
    text = detail_text(run, CASE.case_id)
    sections = {block.split("\n", 1)[0]: block for block in text.split("\n\n")}
    found = histograms(run, CASE.case_id)
    assert len(found) == len(PHASES) - 1, "no step was measured"
    for title, bins in found.items():
        block = sections[title]
        assert f"\n  {title} samples\n" in block
        assert all(f"    {each.low} to {each.high}: {each.count}\n" in f"{block}\n" for each in bins)


def test_the_last_words_of_a_failure_are_kept_line_by_line_and_not_obeyed() -> None:
    failure = Failure(CASE.case_id, "error", "It broke.", "Traceback\n  File [x]\n\x1b[31mred")
    text = detail_text(run_of(plan(CASE), failure), CASE.case_id)
    assert "\nDetails\n  Traceback\n    File [x]\n  \\x1b[31mred\n" in text


def test_an_unknown_row_is_a_bug() -> None:
    with pytest.raises(KeyError):
        detail_text(graded_run(), "nothing")
