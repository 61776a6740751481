from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from cvbench_tui.results.stats.series import Series, series
from cvbench_tui.results.text.ascii import DRAWN
from cvbench_tui.tui.widgets.detail_view import plot
from tests.results.samples import graded_run


def of(*points: tuple[float, float, float], borders: tuple[int, ...] = (), aside: tuple[int, ...] = ()) -> Series:
    """A series of these points, in seconds."""
    low, high = min(least for least, _, _ in points), max(most for _, _, most in points)
    marks = tuple(place in aside for place in range(len(points)))
    return Series("total", "low", "high", low, high, points, borders, marks)


def dots(*seconds: float, **more: tuple[int, ...]) -> Series:
    return of(*((each,) * 3 for each in seconds), **more)


def test_a_rising_row_of_samples_rises_by_half_a_line_a_step() -> None:
    assert plot(dots(0, 1, 2, 3, 4, 5), 3) == [
        "    ▄▀",
        "  ▄▀  ",
        "▄▀    ",
    ]


def test_a_point_of_several_samples_reaches_from_the_least_to_the_largest_with_its_median() -> None:
    assert plot(of((0, 3, 7), (2, 2, 5), (0, 7, 7)), 4) == [
        "░ ▀",
        "░░░",
        "▀▄░",
        "░ ░",
    ]  # fmt: skip


def test_a_border_is_dotted_and_only_where_nothing_is_drawn() -> None:
    assert plot(of((0, 1, 1), (7, 7, 7), (0, 0, 7), (7, 7, 7), borders=(1, 2)), 4) == [
        " ▀░▀",
        "  ░ ",
        " |░ ",
        "▀ ▄ ",
    ]  # fmt: skip


def test_borders_that_would_stand_everywhere_are_left_out() -> None:
    assert "|" in "".join(plot(dots(0, 1, 2, 3, borders=(1, 3)), 4))
    assert "|" not in "".join(plot(dots(0, 1, 2, 3, borders=(1, 2, 3)), 4))


def test_what_was_disturbed_is_marked_below_and_covers_no_sample() -> None:
    assert plot(dots(0, 9, 0, 3, aside=(1, 2)), 3) == [
        " ▀  ",
        "▄ ▄▀",
        " xx ",
    ]  # fmt: skip


def test_every_row_of_a_run_has_a_column_a_point_and_as_many_lines_as_asked() -> None:
    run = graded_run()
    rows = [each for case in run.plan.cases for each in series(run, case.case_id, 40)]
    assert rows
    for each, height in product(rows, (1, 2, 3, 6, 20)):
        lines = plot(each, height)
        assert [len(line) for line in lines] == [len(each.points)] * height
        drawn = lines[: height - any(each.disturbed)]
        for column in zip(*drawn, strict=True):
            assert sum(letter in "▄▀" for letter in column) == 1, "one median"
        assert {letter for line in lines for letter in line if not letter.isascii()} <= DRAWN.keys()


def test_equal_samples_lie_on_the_ground_and_one_line_is_enough_for_a_mark() -> None:
    assert plot(dots(2, 2, 2), 2) == ["   ", "▄▄▄"]
    assert plot(dots(2, 2, 2, aside=(1,)), 1) == [" x "]
    assert plot(dots(1e-9, 1e9), 1) == ["▄▀"]


def test_nothing_to_draw_and_no_room() -> None:
    assert plot(replace(dots(1), points=(), disturbed=()), 3) == ["", "", ""]
    with pytest.raises(ValueError, match="at least one line"):
        plot(dots(1), 0)
