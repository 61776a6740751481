from __future__ import annotations

from cvbench_tui.base.cells import cell_len
from cvbench_tui.core.plan import Case
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import column_width, fitting, visible_columns
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.results.table.model import Table
from cvbench_tui.results.table.view import View
from tests.every import every
from tests.results.samples import graded_run, measurement, mixed_run, model, plan, run_of

PHASES = {"forward", "backward", "total", "inference"}


def keys(table: Table, places: tuple[int, ...]) -> list[str]:
    return [table.columns[place].key for place in places]


def one_device() -> Table:
    cases = tuple(Case(model(name), "cpu", 8) for name in ("Resnet18", "VGG16"))
    return build(run_of(plan(*cases), *(measurement(case, 0.02) for case in cases)))


def test_what_no_row_has_is_left_out() -> None:
    bare, full = build(mixed_run()), build(graded_run())
    optional = {"energy", "compute", "bandwidth"}
    assert not optional & set(keys(bare, visible_columns(bare)))
    assert optional <= set(keys(full, visible_columns(full)))


def test_with_room_enough_all_is_shown_and_the_name_and_the_quality_always() -> None:
    table = build(graded_run())
    assert fitting(table, 1000) == visible_columns(table)
    assert keys(table, fitting(table, 0)) == ["name", "device", "unit", "total", "quality"], (
        "two devices are told apart"
    )
    assert keys(one_device(), fitting(one_device(), 0)) == ["name", "total", "quality"]


def test_what_is_shown_fits_and_grows_with_the_room() -> None:
    table = one_device()
    for width in range(40, 240, 5):
        places = fitting(table, width)
        texts = [[table.heading(place), *(table.texts(row, "bare")[place] for row in table.rows)] for place in places]
        assert sum(max(map(len, column)) + 2 for column in texts) <= width
    assert len(fitting(table, 240)) == len(visible_columns(table))


def test_all_phases_are_there_at_120_columns_and_the_first_at_80() -> None:
    """The app leaves 82 cells of 120 columns to the table, and 78 of 80."""
    table = one_device()
    assert set(keys(table, fitting(table, 82))) >= PHASES
    assert {"forward", "total", "quality"} <= set(keys(table, fitting(table, 78)))


def test_phases_that_no_row_has_go_before_the_one_that_was_measured() -> None:
    case = Case(model("Resnet18"), "cpu", 8)
    table = build(run_of(plan(case), measurement(case, 0.02, factors={"inference": 1.0})))
    shown = keys(table, fitting(table, 46))
    assert "inference" in shown
    assert not {"forward", "backward", "total"} & set(shown)
    assert "forward" in keys(build(run_of(plan(case))), fitting(build(run_of(plan(case))), 78)), "before any number"


def test_each_column_has_a_priority_of_hiding() -> None:
    """Secondary columns first; nothing has the priority of another."""
    order = sorted((column for column in COLUMNS if column.hide), key=lambda column: -column.hide)
    assert {column.key for column in COLUMNS} - {column.key for column in order} == {"name", "unit", "total", "quality"}
    assert len({column.hide for column in order}) == len(order)
    secondary = [column.secondary for column in order]
    assert secondary == sorted(secondary, reverse=True)


def test_columns_that_were_not_chosen_say_nothing_and_the_name_is_always_chosen() -> None:
    table = build(graded_run(), View(columns=("total", "energy", "quality")))
    assert keys(table, visible_columns(table)) == ["name", "unit", "total", "energy", "quality"]
    assert keys(table, fitting(table, 1000)) == ["name", "unit", "total", "energy", "quality"]
    assert keys(table, fitting(table, 0)) == ["name", "unit", "total", "quality"], (
        "what was chosen gives way by the same rules"
    )
    bare = build(mixed_run(), View(columns=("total", "energy")))
    assert keys(bare, visible_columns(bare)) == ["name", "unit", "total"], "no row has any energy"
    assert keys(bare, fitting(bare, 1000)) == ["name", "unit", "total"]


def test_the_comparison_gives_way_late() -> None:
    case, other = (Case(model(name), "cpu", 8) for name in ("Resnet18", "VGG16"))
    run = run_of(plan(case, other), measurement(case, 0.02), measurement(other, 0.08))
    table = build(run, View(reference=case.case_id))
    assert "vs_ref" in keys(table, fitting(table, 78))
    narrowest = next(width for width in range(200) if "vs_ref" in keys(table, fitting(table, width)))
    assert not {"backward", "inference", "memory"} & set(keys(table, fitting(table, narrowest)))


@every("name", ["n" * 300, "\u6a21\u578b" * 100, "a\nb\tc" * 50, "\x1b[31m" * 60])
def test_a_name_takes_at_most_forty_cells_and_leaves_room_for_numbers(name: str) -> None:
    case = Case(model(name), "cpu", 8)
    table = build(run_of(plan(case), measurement(case, 0.02)))
    assert {"name", "forward", "total", "quality"} <= set(keys(table, fitting(table, 120)))
    for form in ("bare", "close"):
        written = table.texts(table.rows[0], form)[0]
        assert cell_len(written) <= 40
        assert written.endswith("...")
        assert "\n" not in written
    assert table.text(case.case_id, "name") == name, "files have all of it"


def test_a_secondary_column_never_comes_back_and_a_heading_has_room_for_its_arrow() -> None:
    table = build(graded_run())
    for width in range(20, 300):
        places = fitting(table, width)
        hidden = [table.columns[place].hide for place in visible_columns(table) if place not in places]
        secondary = [table.columns[place].hide for place in places if table.columns[place].secondary]
        assert max(secondary, default=0) < min(hidden, default=999), width
    for place in visible_columns(table):
        heading = table.heading(place)
        assert not heading or column_width(table, place, "bare") > cell_len(heading)
