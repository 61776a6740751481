"""The table's widget: what it draws, what it draws again, where its cursor is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.app import App, ComposeResult

from cvbench_tui.core.run import Run, fold
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.stats.quality import Quality
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.view import View
from cvbench_tui.tui.state.table_layout import quality_style
from cvbench_tui.tui.widgets.result_table import ResultTable
from tests.tui import recorded
from tests.tui.flow import headings, text_of

ODD = "[/] [bold]odd[/bold] [link=x]"
PLAIN = View()


def runs() -> list[Run]:
    run, found = None, []
    for event in recorded.good():
        run = fold(run, event)
        found.append(run)
    return found


def graded() -> Run:
    run = None
    for event in recorded.graded():
        run = fold(run, event)
    assert run is not None
    return run


def case_id(run: Run, name: str, device: str) -> str:
    return next(case.case_id for case in run.plan.cases if (case.workload.name, case.device) == (name, device))


class TableApp(App[None]):
    """One table."""

    def __init__(self, run: Run, view: View = PLAIN) -> None:
        super().__init__()
        self.run_, self.view = run, view
        self.heard: list[object] = []

    def compose(self) -> ComposeResult:
        yield ResultTable(id="table")

    def on_mount(self) -> None:
        self.table.focus()
        self.call_after_refresh(self.show)

    @property
    def table(self) -> ResultTable:
        return self.query_one(ResultTable)

    def show(self, run: Run | None = None, view: View | None = None) -> None:
        self.run_, self.view = run or self.run_, view or self.view
        self.table.show(build(self.run_, self.view), self.view)

    def on_line_table_opened(self, event: ResultTable.Opened) -> None:
        self.heard.append(event.key)

    def on_line_table_heading_clicked(self, event: ResultTable.HeadingClicked) -> None:
        self.heard.append(event.column)


def screen_of(table: ResultTable) -> list[str]:
    return ["".join(segment.text for segment in table.render_line(y)).rstrip() for y in range(table.size.height)]


def style_of(table: ResultTable, key: str, words: str):
    """The style of the segment with those words in the row of that key."""
    return next(segment.style for segment in table._strip(table._numbers[key]) if words in segment.text)


async def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    start = runs()[0]
    case = replace(start.plan.cases[0], workload=Workload("layer", ODD, "relu", (3, 8, 8)))
    app = TableApp(replace(start, plan=replace(start.plan, cases=(case,))))
    async with app.run_test(size=(160, 10)) as pilot:
        await pilot.pause()
        assert ODD in text_of(app.table, case.case_id)
        assert ODD in screen_of(app.table)[1]


async def test_only_lines_that_changed_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = runs()
    # The third one: with the first two the columns get their width.
    third = next(index for index, run in enumerate(all_of_them) if len(run.measured) == 3)
    app = TableApp(all_of_them[third - 1])
    async with app.run_test(size=(160, 20)) as pilot:
        await pilot.pause()
        drawn: list[int] = []
        monkeypatch.setattr(app.table, "refresh_lines", lambda y, count=1: drawn.append(y))
        monkeypatch.setattr(app.table, "refresh", lambda *_, **__: drawn.append(-1))
        app.show(all_of_them[third])
        assert drawn == [3]
        drawn.clear()
        app.show(all_of_them[third])
        assert drawn == []


async def test_a_running_row_has_the_share_of_its_visits() -> None:
    run = next(run for run in runs() if run.progress is not None and run.progress.fraction > 0)
    assert run.running is not None
    app = TableApp(run)
    async with app.run_test(size=(160, 20)) as pilot:
        await pilot.pause()
        share = int(100 * run.progress.fraction / run.plan.protocol.max_visits)
        assert text_of(app.table, run.running.case_id).endswith(f" {share}%")


async def test_columns_give_way_in_a_narrow_pane_and_come_back() -> None:
    app = TableApp(runs()[-1])
    async with app.run_test(size=(62, 20)) as pilot:
        await pilot.pause()
        assert headings(app.table)[0] == "Name"
        assert headings(app.table)[-1] == "Quality"
        few = len(headings(app.table))
        await pilot.resize_terminal(260, 20)
        await pilot.pause()
        assert len(headings(app.table)) == len(visible_columns(build(runs()[-1]))) > few


async def test_columns_move_together_before_a_time_is_hidden() -> None:
    app = TableApp(runs()[-1])
    quiet = runs()[-1].plan.cases[0].case_id
    async with app.run_test(size=(85, 20)) as pilot:
        await pilot.pause()
        assert " 40.00\u00b1" in text_of(app.table, quiet)
        await pilot.resize_terminal(160, 20)
        await pilot.pause()
        assert " 40.00 \u00b1" in text_of(app.table, quiet)


async def test_a_number_of_grade_x_is_dim_and_its_row_says_so() -> None:
    app = TableApp(graded())
    async with app.run_test(size=(260, 20)) as pilot:
        await pilot.pause()
        key = case_id(graded(), "BatchNorm", "cuda:0")
        assert style_of(app.table, key, "1.000").color == app.table._style("dim").color
        assert text_of(app.table, key).rstrip().endswith("X impossible")


async def test_a_quality_has_the_colour_of_its_letter_and_words_have_theirs() -> None:
    app = TableApp(graded())
    async with app.run_test(size=(260, 20)) as pilot:
        await pilot.pause()
        for name, device, text, style in (
            ("Dense", "cpu", "C busy", "warn"),
            ("BatchNorm", "cpu", "D    ", "bad"),
            ("VGG16", "cpu", "OOM", "bad"),
            ("Dense", "cuda:0", "B host-bound", "ok"),
        ):
            found = style_of(app.table, case_id(graded(), name, device), text)
            assert found.color == app.table._style(style).color, text
    words = (Quality("A", share=0.4), Quality(None, "queued"), Quality(None, "cancelled"))
    assert [quality_style(each) for each in words] == ["run", "dim", "warn"]


async def test_the_sort_keys_pass_by_what_is_not_shown_beside_the_times() -> None:
    app = TableApp(runs()[-1])
    async with app.run_test(size=(62, 20)) as pilot:
        assert ResultTable(id="other").sortable == []
        await pilot.pause()
        assert "quality" in app.table.sortable
        assert "samples" not in app.table.sortable


async def test_the_cursor_moves_by_every_key_and_stays_on_its_row() -> None:
    app = TableApp(runs()[-1])
    async with app.run_test(size=(120, 5)) as pilot:
        await pilot.pause()
        keys = app.table.keys
        for key, place in (
            ("j", 1), ("down", 2), ("k", 1), ("up", 0), ("up", 0), ("G", 5), ("g", 0), ("end", 5), ("home", 0),
            ("pagedown", 3), ("pageup", 0), ("ctrl+d", 3), ("ctrl+u", 0), ("j", 1),
        ):  # fmt: skip
            await pilot.press(key)
            assert app.table.cursor == keys[place], key
        for view in (View(sort="forward"), View(sort="forward", descending=True), View(group="device")):
            app.show(view=view)
            assert app.table.cursor == keys[1]
            assert any(line.startswith("\u25b8") for line in screen_of(app.table)[1:])


async def test_a_filter_takes_the_cursor_to_what_is_left_and_back_to_none() -> None:
    app = TableApp(runs()[-1])
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        await pilot.press("G")
        app.show(view=View(filter_text="vgg16"))
        assert app.table.cursor in app.table.keys
        app.show(view=View(filter_text="no such thing"))
        assert app.table.cursor is None
        await pilot.press("j", "G", "enter")
        assert app.heard == []


async def test_clicks_sort_take_the_cursor_and_open() -> None:
    app = TableApp(runs()[-1])
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        await pilot.click(ResultTable, offset=(3, 0))
        await pilot.click(ResultTable, offset=(3, 3))
        assert app.table.cursor == app.table.keys[2]
        await pilot.click(ResultTable, offset=(3, 3))
        await pilot.click(ResultTable, offset=(3, 18))
        await pilot.press("enter")
        assert app.heard == ["name", app.table.keys[2], app.table.keys[2]]


async def test_groups_have_titles_and_the_reference_has_a_mark() -> None:
    run = runs()[-1]
    key = run.plan.cases[2].case_id
    app = TableApp(run, View(group="device", reference=key))
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        lines = screen_of(app.table)
        assert "cpu" in lines[1]
        assert text_of(app.table, key)[1] == "*"
        assert " ref " in text_of(app.table, key) + " "


async def test_a_thousand_rows_are_drawn_as_quickly_as_ten() -> None:
    start = runs()[0]
    cases = tuple(
        replace(start.plan.cases[0], workload=Workload("layer", f"Layer {number}", "relu", (number,)))
        for number in range(1, 1001)
    )
    app = TableApp(replace(start, plan=replace(start.plan, cases=cases)))
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        asked: list[int] = []
        plain = app.table._strip
        app.table._strip = lambda number: (asked.append(number), plain(number))[1]  # type: ignore[method-assign]
        await pilot.press("G")
        await pilot.pause()
        assert "Layer 1000" in screen_of(app.table)[-1]
        assert len(asked) < 120, "only what is seen is drawn"
