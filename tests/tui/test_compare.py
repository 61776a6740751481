"""Rows in several settings in the app: columns, groups, and the key that compares along what they differ in."""

from __future__ import annotations

from pathlib import Path

from cvbench_tui.core.plan import Case
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.state.run_state import RunState
from tests.results.samples import measurement, model, plan, run_of
from tests.tui import recorded
from tests.tui.flow import WIDE, cursor, headings, table, text_of, toasts

RESNET = Case(model("Resnet18"), "cpu", 8)
ROWS = [
    RESNET.varied(precision=precision, memory_format=layout)
    for precision in ("default", "bf16")
    for layout in ("contiguous", "channels_last")
]
RUN = run_of(plan(*ROWS), *(measurement(case, 0.04 - 0.01 * place) for place, case in enumerate(ROWS)))
ALIKE = run_of(plan(RESNET), measurement(RESNET, 0.01))


def title(app: BenchApp) -> str:
    return str(app.main_screen.results.border_title).partition(": ")[2]


def ratios(app: BenchApp) -> list[str]:
    shown = app.main_screen.results.table._table
    assert shown is not None
    return [shown.text(case.case_id, "vs_ref").split()[0] for case in ROWS]


async def test_a_key_compares_along_each_axis_in_which_rows_differ(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        app.main_screen.results.show(RunState(run=RUN, saved=True))
        app.main_screen.results.table.focus()
        await pilot.pause()
        heads = [head.strip() for head in headings(table(app))]
        assert {"Precision", "Memory format"} <= set(heads)
        assert not {"Compile", "vs ref"} & set(heads)
        assert [("bf16" in text_of(table(app), case.case_id)) for case in ROWS] == [False, False, True, True]
        await pilot.press("v")
        assert title(app) == "4 rows, compared along precision"
        assert ratios(app) == ["ref", "ref", "2.000x", "3.000x"]
        await pilot.press("v")
        assert title(app) == "4 rows, compared along memory format"
        assert ratios(app) == ["ref", "1.333x", "ref", "2.000x"]
        await pilot.press("m")
        assert title(app) == "4 rows"
        assert app.main_screen.results.view.reference == cursor(app), "one of the two at a time"
        await pilot.press("v", "v", "v")
        assert (title(app), app.main_screen.results.view.reference) == ("4 rows", None)


async def test_groups_go_through_what_rows_differ_in_and_no_further(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        app.main_screen.results.show(RunState(run=RUN, saved=True))
        app.main_screen.results.table.focus()
        await pilot.pause()
        seen = []
        for _ in range(6):
            await pilot.press("u")
            seen.append(title(app).partition("grouped by ")[2])
        assert seen == ["model or layer", "kind", "device", "precision", "memory format", ""]


async def test_rows_that_differ_in_nothing_are_not_compared(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        app.main_screen.results.show(RunState(run=ALIKE, saved=True))
        app.main_screen.results.table.focus()
        await pilot.pause()
        await pilot.press("v")
        await pilot.pause()
        assert "The rows differ neither in batch nor image nor a setting." in toasts(app)
        assert app.main_screen.results.view.compare == ""
