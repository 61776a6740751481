from __future__ import annotations

from cvbench_tui.tui.widgets.results_pane import next_column

COLUMNS = ["case", "forward"]


def test_steps_go_round_by_way_of_the_plans_order() -> None:
    sort, seen = None, []
    for _ in range(3):
        sort = next_column(sort, COLUMNS, 1)
        seen.append(sort)
    assert seen == ["case", "forward", None]
    assert next_column(None, COLUMNS, -1) == "forward"


def test_a_column_that_is_gone_starts_again() -> None:
    assert next_column("minimum", COLUMNS, 1) == "case"
