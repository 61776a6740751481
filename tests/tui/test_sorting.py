from __future__ import annotations

from cvbench_tui.tui.sorting import SortOrder

COLUMNS = ["case", "forward"]


def test_steps_go_round_by_way_of_the_plans_order() -> None:
    order = SortOrder()
    seen = []
    for _ in range(3):
        order.step(COLUMNS, 1)
        seen.append(order.current)
    assert seen == [("case", False), ("forward", False), None]
    order.step(COLUMNS, -1)
    assert order.current == ("forward", False)


def test_a_heading_goes_up_then_down_then_back() -> None:
    order = SortOrder()
    seen = []
    for _ in range(3):
        order.choose("forward")
        seen.append(order.current)
    assert seen == [("forward", False), ("forward", True), None]


def test_a_column_that_is_gone_starts_again() -> None:
    order = SortOrder()
    order.choose("minimum")
    order.step(COLUMNS, 1)
    assert order.current == ("case", False)
