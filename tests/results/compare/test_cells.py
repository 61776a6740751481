"""The texts of a comparison: digits by the interval, verdicts with their mark, what a row without one says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.core.stats.ratio import Ratio
from cvbench_tui.results.compare import cells
from cvbench_tui.results.compare.ratio_axis import RatioAxis, axis_for, tick_text
from tests.every import every
from tests.results.compare.made import ROWS, comparison, ratio, row


def test_a_table_for_each_phase_with_its_mean_and_counts() -> None:
    total, inference = cells.tables([comparison()])
    assert [heading for heading, _ in total.headings] == [
        "Workload", "Batch", "A ms", "B ms", "Speedup", "95% CI", "Verdict",
    ]  # fmt: skip
    assert [line.texts for line in total.lines] == [
        ("resnet50", "64", "61.4", "43.8", "1.40x", "1.39\u20131.41", "faster"),
        ("densenet121", "64", "70.1", "66.0", "1.06x", "0.93\u20131.19", "not told apart"),
        ("vgg16", "64", "88.0", "87.8", "1.003x", "0.998\u20131.004", "same"),
        ("vit_b_16", "64", "102.6", "106.9", "0.96x", "0.95\u20130.97", "slower"),
        ("swin_t", "64", "92.3", "-", "-", "-", "no number"),
    ]
    (foot,) = total.foot
    assert foot.texts[0] == "geometric mean of 4"
    assert foot.texts[-3:] == (
        "1.09x", "1.05\u20131.13", "1 faster, 1 slower, 1 same, 1 not told apart, 1 without a verdict",
    )  # fmt: skip
    assert (inference.phase, len(inference.lines), inference.foot) == ("inference", 1, ())


def test_where_more_differs_each_verdict_has_a_mark_that_is_explained() -> None:
    doubtful = comparison(differences=("torch 2.14.1, was 2.11.0", "driver 580, was 570"), along="memory_format")
    (table, _) = cells.tables([doubtful])
    assert [line.texts[-1] for line in table.lines] == ["faster?", "not told apart?", "same?", "slower?", "no number"]
    assert cells.doubt_line([doubtful]).startswith("? doubtful: more than memory format differs")
    assert cells.difference_lines(doubtful) == [
        "A and B differ: torch 2.14.1, was 2.11.0; driver 580, was 570",
    ]  # fmt: skip
    assert cells.doubt_line([comparison()]) == ""
    along = comparison(along="memory_format")
    values = replace(along, a=replace(along.a, value="contiguous"), b=replace(along.b, value="channels_last"))
    assert cells.difference_lines(values) == ["A and B differ in memory format only."]
    assert cells.difference_lines(along) == cells.difference_lines(comparison())  # no row differs in it


def test_several_sides_share_a_table_by_their_rows_keys() -> None:
    b = comparison()
    c = comparison(ROWS[0], row("late", 0.01, 0.02, None, None, "published without an interval"))
    table, _ = cells.tables([b, c])
    assert [heading for heading, _ in table.headings][3:] == [
        "B ms", "B speedup", "B 95% CI", "B verdict", "C ms", "C speedup", "C 95% CI", "C verdict",
    ]  # fmt: skip
    resnet, dense, *_, late = table.lines
    assert resnet.texts[3:] == (*("43.8", "1.40x", "1.39\u20131.41", "faster"),) * 2
    assert dense.texts[7:] == ("-",) * 4
    assert late.texts == ("late", "64", "10.00", "-", "-", "-", "-", "20.0", "0.50x", "-", "no interval")
    assert late.verdicts == (None, None)


@every(
    ("known", "texts"),
    [
        (ratio(1.4, 1.39, 1.41), ("1.40x", "1.39\u20131.41")),
        (ratio(1.0001, 0.9999, 1.0003), ("1.0001x", "0.9999\u20131.0003")),
        (ratio(12.34, 11.9, 12.8), ("12.3x", "11.9\u201312.8")),
        (ratio(123.4, 100.0, 150.0), ("123x", "100\u2013150")),
        (ratio(0.0512, 0.05, 0.052), ("0.051x", "0.050\u20130.052")),
        (ratio(2.0, None, None), ("2.00x", "-")),
        (ratio(1.0, 1.0, 1.0), ("1.00x", "1.00\u20131.00")),
        (None, ("-", "-")),
    ],
)
def test_a_ratio_has_the_digits_that_its_interval_tells_apart(known: Ratio | None, texts: tuple[str, str]) -> None:
    assert (cells.speedup_text(known), cells.interval_text(known)) == texts


def test_sides_have_letters_and_those_that_are_one_run_are_named() -> None:
    assert [cells.letter(place) for place in (0, 1, 25, 26, 27, 52)] == ["A", "B", "Z", "AA", "AB", "BA"]
    one = comparison()
    itself = replace(one, b=replace(one.a, name="again"))
    assert cells.same_lines([one]) == []
    assert cells.same_lines([itself, one, one]) == [
        "A and B are the same run: its numbers are beside themselves.",
        "C and D are the same run: its numbers are beside themselves.",
    ]


def test_rows_of_one_side_and_sentences_are_said_below() -> None:
    one = comparison()
    assert cells.missing_line(one) == "2 rows in B only (VGG11 cpu batch 8, VGG13 cpu batch 8), not compared."
    several = replace(one, only_a=("swin_t",), only_b=("a", "b", "c", "d"))
    line = "1 row in A only (swin_t) and 4 rows in C only (a, b, c, ...), not compared."
    assert cells.missing_line(several, 2) == line
    assert cells.missing_line(replace(one, only_b=())) == ""
    table, _ = cells.tables([one])
    assert list(cells.note_lines(table)) == ["densenet121: needs 12 more processes", "swin_t: B has no number: OOM."]
    assert cells.method_lines([one])[1:] == [
        "95% intervals on logarithms, of 10 processes of each side.",
        "Verdicts corrected over 5 rows by Holm's method; same: within \u00b11%.",
    ]


def test_the_axis_is_as_wide_to_both_sides_and_holds_every_interval() -> None:
    axis = axis_for([ratio(1.4, 1.3, 1.49), ratio(0.9, 0.8, 1.0)])
    assert axis == RatioAxis(1.5)
    assert [axis.place(each) for each in (1 / 1.5, 1.0, 1.5, 7.0, 0.001)] == pytest.approx([0.0, 0.5, 1.0, 1.0, 0.0])
    assert list(map(tick_text, axis.ticks)) == ["0.667", "0.833", "0.909", "1", "1.1", "1.2", "1.5"]
    assert axis_for([]) == RatioAxis(1.05)
    assert axis_for([ratio(1e9, None, None)]).most == 100.0
