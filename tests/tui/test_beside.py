"""The key that puts published figures beside the rows of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cvbench_tui.core.plan import Case
from cvbench_tui.results.export.markdown import render
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.state.run_state import RunState
from cvbench_tui.tui.widgets.detail_view import DetailView
from tests.results.samples import measurement, model, plan, run_of
from tests.tui import recorded
from tests.tui.flow import WIDE, headings, table, toasts

RESNET, ALEXNET = Case(model("Resnet18"), "cpu", 8), Case(model("alexnet"), "cpu", 8)
RUN = run_of(plan(RESNET), measurement(RESNET, 0.02))


def title(app: BenchApp) -> str:
    return str(app.main_screen.results.border_title).partition(": ")[2]


async def test_a_key_shows_the_figures_of_the_same_models_and_takes_them_away(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        results = app.main_screen.results
        results.show(RunState(run=RUN, saved=True))
        results.table.focus()
        await pilot.pause()
        await pilot.press("B")
        await pilot.pause()
        assert title(app).endswith(" rows, with published figures")
        assert "From" in [head.strip() for head in headings(table(app))]
        assert len(results.table.keys) == 3, "those of the same batch alone"
        assert results.table.keys[0] == RESNET.case_id
        assert results.whole is not None
        key = next(each for each in results.table.keys if "Flux" in each)
        results.table.put_cursor(key)
        await pilot.press("enter")
        await pilot.pause()
        view = app.screen.query_one(DetailView)
        assert view.row == (results.whole, key)
        await pilot.press("escape")
        text = render(RUN, "short", results.view)
        assert "published-1080ti: published figures, not measured here." in " ".join(text.split())
        results.table.put_cursor(RESNET.case_id)
        await pilot.press("B")
        await pilot.pause()
        assert title(app) == "1 row"
        assert "From" not in [head.strip() for head in headings(table(app))]


async def test_a_published_row_is_marked_and_explained(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        results = app.main_screen.results
        results.show(RunState(run=RUN, saved=True))
        results.table.focus()
        await pilot.press("B")
        key = next(each for each in results.table.keys if "Pytorch 0.4.1, GTX 1080 Ti" in each)
        results.table.put_cursor(key)
        await pilot.press("m")
        assert results.view.reference == key
        await pilot.press("B")
        assert results.view.reference is None, "the row has gone"


async def test_figures_of_other_batches_are_shown_where_there_are_no_others(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    odd = replace(RESNET, batch=3)
    async with app.run_test(size=WIDE) as pilot:
        results = app.main_screen.results
        results.show(RunState(run=run_of(plan(odd), measurement(odd, 0.01)), saved=True))
        results.table.focus()
        await pilot.pause()
        await pilot.press("B")
        await pilot.pause()
        assert "Published figures of these models and layers are of other batches or settings." in toasts(app)
        shown = results.table._table
        assert shown is not None
        assert len(shown.rows) > 10
        assert all(not row.best for row in shown.rows[:1]), "nothing is ranked with another batch"


async def test_without_any_figures_of_its_models_it_says_so(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        app.main_screen.results.show(RunState(run=run_of(plan(ALEXNET), measurement(ALEXNET, 0.01)), saved=True))
        app.main_screen.results.table.focus()
        await pilot.pause()
        await pilot.press("B")
        await pilot.pause()
        assert "No published figures are of these models and layers." in toasts(app)
        assert app.main_screen.results.view.beside == ()
