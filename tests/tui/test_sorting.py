from __future__ import annotations

from cvbench_tui.results.table.view import View
from cvbench_tui.tui.widgets.sorting import next_column, reversed_order, toggled

COLUMNS = ["case", "forward"]


def test_steps_go_round_by_way_of_the_plans_order() -> None:
    view, seen = View(), []
    for _ in range(3):
        view = next_column(view, COLUMNS, 1)
        seen.append(view.sort)
    assert seen == ["case", "forward", None]
    assert next_column(view, COLUMNS, -1).sort == "forward"


def test_a_heading_goes_up_then_down_then_back() -> None:
    view, seen = View(), []
    for _ in range(3):
        view = toggled(view, "forward")
        seen.append((view.sort, view.descending))
    assert seen == [("forward", False), ("forward", True), (None, False)]


def test_the_order_key_goes_the_same_way_and_leaves_the_plans_order_alone() -> None:
    assert reversed_order(View()) == View()
    assert reversed_order(View(sort="forward")) == View(sort="forward", descending=True)
    assert reversed_order(View(sort="forward", descending=True)) == View()


def test_a_column_that_is_gone_starts_again() -> None:
    assert next_column(View(sort="minimum"), COLUMNS, 1) == View(sort="case")
