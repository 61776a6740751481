from __future__ import annotations

from dataclasses import replace

from textual.app import App, ComposeResult

from cvbench_tui.core.run import Run, fold
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.fitting import telling
from cvbench_tui.results.table import build
from cvbench_tui.tui.result_table import ResultTable
from tests.tui import recorded

ODD = "[/] [bold]odd[/bold] [link=x]"


def runs() -> list[Run]:
    run, found = None, []
    for event in recorded.good():
        run = fold(run, event)
        found.append(run)
    return found


class TableApp(App[None]):
    def compose(self) -> ComposeResult:
        yield ResultTable(id="table")


async def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    start = runs()[0]
    case = replace(start.plan.cases[0], workload=Workload("layer", ODD, "relu", (3, 8, 8)))
    run = replace(start, plan=replace(start.plan, cases=(case,)))
    app = TableApp()
    async with app.run_test(size=(160, 10)) as pilot:
        table = app.query_one(ResultTable)
        table.show(build(run), None)
        await pilot.pause()
        assert str(table.get_cell(case.case_id, "name")) == ODD
        lines = "".join(segment.text for strip in table.render_lines(table.size.region) for segment in strip)
        assert ODD in lines


async def test_only_cells_that_changed_are_updated() -> None:
    app = TableApp()
    async with app.run_test(size=(160, 20)) as pilot:
        table = app.query_one(ResultTable)
        all_of_them = runs()
        first = next(index for index, run in enumerate(all_of_them) if run.measured)
        table.show(build(all_of_them[first - 1]), None)
        await pilot.pause()
        updated: list[tuple[str, str]] = []
        plain = table.update_cell

        def noted(row: str, column: str, *args: object, **named: object) -> None:
            updated.append((row, column))
            plain(row, column, *args, **named)  # type: ignore[arg-type]

        table.update_cell = noted  # type: ignore[method-assign,assignment]
        table.show(build(all_of_them[first]), None)
        changed = {row for row, _ in updated}
        assert changed == {all_of_them[first].plan.cases[0].case_id}
        assert ("device" in {column for _, column in updated}) is False


async def test_a_running_row_has_no_percentage() -> None:
    app = TableApp()
    async with app.run_test(size=(160, 20)) as pilot:
        table = app.query_one(ResultTable)
        run = next(run for run in runs() if run.progress is not None and run.progress.fraction > 0)
        assert run.running is not None
        table.show(build(run), None)
        await pilot.pause()
        assert str(table.get_cell(run.running.case_id, "state")) == "RUNNING"


async def test_columns_give_way_in_a_narrow_pane_and_come_back() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 20)) as pilot:
        table = app.query_one(ResultTable)
        table.show(build(runs()[-1]), None)
        await pilot.pause()
        narrow = [key.value for key in table.columns]
        assert narrow[0] == "name"
        assert narrow[-1] == "state"
        await pilot.resize_terminal(220, 20)
        await pilot.pause()
        whole = build(runs()[-1])
        assert [key.value for key in table.columns] == [whole.columns[place].key for place in telling(whole)]


async def test_columns_move_together_before_a_time_is_hidden() -> None:
    app = TableApp()
    async with app.run_test(size=(83, 20)) as pilot:
        table = app.query_one(ResultTable)
        table.show(build(runs()[-1]), None)
        await pilot.pause()
        assert {"forward", "backward", "total", "inference"} <= {key.value for key in table.columns}
        quiet = runs()[-1].plan.cases[0].case_id
        assert str(table.get_cell(quiet, "forward")).startswith(" 40.00\u00b1")
        await pilot.resize_terminal(160, 20)
        await pilot.pause()
        assert str(table.get_cell(quiet, "forward")).startswith("40.00 \u00b1")


async def test_a_number_of_grade_x_is_grey() -> None:
    run = None
    for event in recorded.graded():
        run = fold(run, event)
    assert run is not None
    case = next(c for c in run.plan.cases if (c.workload.name, c.device) == ("BatchNorm", "cuda:0"))
    app = TableApp()
    async with app.run_test(size=(220, 20)) as pilot:
        table = app.query_one(ResultTable)
        table.show(build(run), None)
        await pilot.pause()
        assert (str(table.get_cell(case.case_id, "total")), table.get_cell(case.case_id, "total").style) == (
            "1.000 X",
            "dim",
        )
        assert table.get_cell(case.case_id, "memory").style == ""


async def test_a_state_that_is_precise_has_the_colour_of_its_grade() -> None:
    run = None
    for event in recorded.graded():
        run = fold(run, event)
    assert run is not None
    cases = {(c.workload.name, c.device): c.case_id for c in run.plan.cases}
    app = TableApp()
    async with app.run_test(size=(220, 20)) as pilot:
        table = app.query_one(ResultTable)
        table.show(build(run), None)
        await pilot.pause()
        states = {name: table.get_cell(cases[name], "state") for name in cases}
        assert (str(states["Dense", "cpu"]), states["Dense", "cpu"].style) == ("OK*", "yellow")
        assert (str(states["Resnet18", "cuda:0"]), states["Resnet18", "cuda:0"].style) == ("OK*", "bold green")


async def test_a_cell_whose_colour_alone_changed_is_written_anew() -> None:
    app = TableApp()
    async with app.run_test(size=(160, 20)) as pilot:
        table = app.query_one(ResultTable)
        built = build(runs()[-1])
        row = next(row for row in built.rows if row.grade == "A" and row.state == "OK")
        table.show(built, None)
        await pilot.pause()
        doubtful = tuple(replace(each, grade="C") if each is row else each for each in built.rows)
        table.show(replace(built, rows=doubtful), None)
        assert table.get_cell(row.key, "state").style == "yellow"


async def test_the_sort_keys_pass_by_what_is_not_shown_beside_the_times() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 20)) as pilot:
        table = app.query_one(ResultTable)
        assert table.sortable == []
        table.show(build(runs()[-1]), None)
        await pilot.pause()
        assert "grade" in table.sortable
        assert "samples" not in table.sortable
