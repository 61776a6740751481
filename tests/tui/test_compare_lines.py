"""The compare screen's lines: which columns give way at which width, the foot under its columns, a thousand rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from cvbench_tui.results.compare.export.registry import FORMATS
from cvbench_tui.results.compare.ratio_axis import RatioAxis
from cvbench_tui.results.compare.ratio_line import ratio_line
from cvbench_tui.tui.state.compare_lines import about, foot, lay_out, lines_of
from cvbench_tui.tui.state.save_path import COMPARISON_FORMATS
from cvbench_tui.tui.terminal.filters import AsciiFilter
from tests.results.compare.made import ROWS, comparison, ratio, row

TOTAL = ROWS[:5]


@pytest.mark.parametrize(
    ("width", "hidden"),
    [(160, ()), (118, ()), (86, ("95% CI",)), (76, ("A", "B", "95% CI")), (58, ("Batch", "A", "B", "95% CI"))],
)
def test_columns_give_way_and_speedup_chart_and_verdict_stay(width: int, hidden: tuple[str, ...]) -> None:
    layout = lay_out(lines_of(comparison(*TOTAL)), width)
    assert sorted(layout.hidden) == sorted(hidden)
    assert {"workload", "speedup", "chart", "verdict"} <= {column.key for column in layout.columns}
    lines = lines_of(comparison(*TOTAL))
    for each in lines.rows:
        drawn = "".join(text for text, _ in layout.cells(each))
        assert cell_len(drawn) == cell_len(layout.header) - 2
        assert cell_len(drawn.rstrip()) <= width - 2


def test_a_verdict_is_a_word_and_a_colour() -> None:
    lines = lines_of(comparison(*TOTAL))
    assert [(each.texts[-1], each.style) for each in lines.rows] == [
        ("faster", "ok"), ("not told apart", "warn"), ("same", ""), ("slower", "bad"), ("B has no number: OOM.", "bad"),
    ] or lines.rows[-1].texts[-1].endswith("...")  # fmt: skip


def test_several_phases_stand_under_their_names() -> None:
    lines = lines_of(comparison())
    titles = [each for each in lines.body() if isinstance(each, str)]
    assert titles == ["total", "inference"]
    assert [each for each in lines.body(("vgg",)) if isinstance(each, str)] == ["total"]


def test_the_mean_stands_under_the_speedups() -> None:
    lines = lines_of(comparison())
    layout = lay_out(lines, 118)
    mean, counts = foot(lines, layout, 200)
    text = "".join(text for text, _ in mean)
    assert text.index("1.09x") + len("1.09x") == layout.until("speedup") + len("Speedup")
    said = "".join(text for text, _ in counts)
    assert "1 faster" in said
    assert "2 rows in B only (VGG11 cpu batch 8, VGG13 cpu batch 8), not compared. same: within \u00b11%" in said


def test_the_last_line_is_broken_where_it_does_not_fit() -> None:
    lines = lines_of(comparison())
    narrow = ["".join(text for text, _ in pieces) for pieces in foot(lines, lay_out(lines, 58), 58)[1:]]
    wide = "".join(text for text, _ in foot(lines, lay_out(lines, 118), 200)[-1])
    assert len(narrow) > 1
    assert max(map(cell_len, narrow)) <= 58
    assert " ".join(" ".join(narrow).split()) == " ".join(wide.split()), "nothing of it is lost"


def test_about_says_what_a_narrow_screen_has_no_columns_for() -> None:
    lines = lines_of(comparison(*TOTAL))
    assert about(lines, TOTAL[0]) == (
        "A 61.4 ms (A);  B 43.8 ms (A);  1.40x, 95% CI 1.39\u20131.41, of 10 processes of each side"
    )
    assert about(lines, TOTAL[4]) == "A 92.3 ms (A);  B no number"


def test_wide_and_long_names_are_cut_to_their_column() -> None:
    rows = [row("\u6a21\u578b" * 30, 0.1, 0.1, (0.9, 1.1), "same"), row("a\nb\x1b", 0.1, 0.2, (0.4, 0.6), "slower")]
    lines = lines_of(comparison(*rows))
    for width in (58, 78, 118):
        layout = lay_out(lines, width)
        for each in lines.rows:
            drawn = "".join(text for text, _ in layout.cells(each))
            assert cell_len(drawn.rstrip()) <= width - 2
            assert "\n" not in drawn
            assert "\x1b" not in drawn


def test_only_what_is_seen_of_a_thousand_rows_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [replace(TOTAL[number % 4], key=str(number)) for number in range(1000)]
    lines = lines_of(comparison(*rows))
    drawn = 0

    def count(*_: object) -> str:
        nonlocal drawn
        drawn += 1
        return "\u2502".ljust(18)

    monkeypatch.setattr("cvbench_tui.tui.state.compare_lines.ratio_line", count)
    layout = lay_out(lines, 78)
    assert len(lines.body()) == 1000
    assert drawn == 0
    assert layout.columns


def test_every_character_of_the_chart_has_one_of_a_cell_in_ascii() -> None:
    ratios = (ratio(1.1, 0.9, 1.3), ratio(8.0, 0.1, 9.0), ratio(0.2, 0.1, 0.3))
    lines = [ratio_line(RatioAxis(2.0), each, 41) for each in ratios]
    shown = [AsciiFilter().apply([Segment(line)], Color(0, 0, 0))[0].text for line in lines]
    assert [len(line) for line in shown] == [41] * 3
    assert not {"?"} & set("".join(shown))
    assert shown[0].strip() == "+--+--*----+"
    assert shown[1].strip()[0] == "<"


def test_every_format_of_a_comparison_has_words() -> None:
    assert set(COMPARISON_FORMATS) == set(FORMATS)
