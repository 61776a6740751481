"""Ratios as lines of characters: the axis suits its rows, what lies beyond it has an arrow, 1 is always seen."""

from __future__ import annotations

import pytest

from cvbench_tui.results.compare.ratio_axis import RatioAxis, close_axis, tick_texts
from cvbench_tui.results.compare.ratio_line import ratio_line, ruler
from tests.results.compare.made import ratio

CELLS = 41
EVEN = RatioAxis(2.0)  # 1 is in cell 20


def test_a_point_with_its_interval_and_the_line_at_one() -> None:
    assert ratio_line(EVEN, None, CELLS) == " " * 20 + "\u2502" + " " * 20
    assert ratio_line(EVEN, ratio(2**0.5, 2**0.25, 2**0.75), CELLS) == (
        " " * 20 + "\u2502" + " " * 4 + "\u251d\u2500\u2500\u2500\u2500\u25cf\u2500\u2500\u2500\u2500\u2525" + " " * 5
    )
    assert ratio_line(EVEN, ratio(2**0.5, None, None), CELLS) == " " * 20 + "\u2502" + " " * 9 + "\u25cf" + " " * 10


def test_an_interval_with_one_inside_crosses_its_line() -> None:
    line = ratio_line(EVEN, ratio(2**0.1, 2**-0.2, 2**0.4), CELLS)
    assert line[20] == "\u253c"
    assert (line.index("\u251d"), line.index("\u25cf"), line.index("\u2525")) == (16, 22, 28)


@pytest.mark.parametrize(
    ("speedup", "interval", "cell", "arrow"),
    [(8.0, (7.0, 9.0), 40, "\u2192"), (0.1, (0.09, 0.11), 0, "\u2190"), (1.5, (1.2, 4.0), 40, "\u2192")],
)
def test_what_lies_beyond_the_axis_has_an_arrow(
    speedup: float, interval: tuple[float, float], cell: int, arrow: str
) -> None:
    line = ratio_line(EVEN, ratio(speedup, *interval), CELLS)
    assert line[cell] == arrow
    assert len(line) == CELLS
    assert "\u2502" in line


def test_the_axis_is_no_wider_than_its_rows() -> None:
    axis = close_axis([ratio(1.3, 1.2, 1.4), ratio(0.96, 0.95, 0.97)])
    assert axis.most == pytest.approx(1.4)
    assert axis.left == pytest.approx(0.95)


def test_rows_that_hardly_differ_are_not_blown_up() -> None:
    axis = close_axis([ratio(1.001, 0.999, 1.003)])
    assert (axis.left, axis.most) == (pytest.approx(1 / 1.02), pytest.approx(1.02))
    assert close_axis([]) == axis


def test_one_row_far_away_does_not_press_the_others_together() -> None:
    usual = [ratio(1.1, 1.05, 1.15)] * 5
    assert close_axis([*usual, ratio(12.0, 11.0, 13.0)]).most < 1.3
    assert not close_axis([*usual, ratio(12.0, 11.0, 13.0)]).holds(12.0)
    assert close_axis([ratio(1.1, 1.05, 1.15), ratio(12.0, 11.0, 13.0)]).holds(12.0), "half of the rows are no outlier"


@pytest.mark.parametrize("cells", [18, 28, 64])
@pytest.mark.parametrize(("least", "most"), [(0.98, 1.02), (0.9, 1.4), (0.1, 16.0), (0.999, 200.0)])
def test_ticks_stand_apart_and_one_is_among_them(least: float, most: float, cells: int) -> None:
    names = ruler(RatioAxis(most, least), cells)
    assert len(names) == cells
    values = [float(word) for word in names.split()]
    assert 1.0 in values
    assert values == sorted(set(values))
    assert all(least * 0.999 <= value <= most * 1.001 for value in values)
    assert "   " in names.strip() or "  " in names.strip() or len(values) == 1


def test_ticks_have_as_many_digits_as_one_of_them_needs() -> None:
    assert tick_texts((0.95, 1.0, 1.05)) == ["0.95", "1.00", "1.05"]
    assert tick_texts((0.5, 1.0, 20.0)) == ["0.5", "1.0", "20"]
