"""Looking at the app and waiting for it, as its tests do."""

from __future__ import annotations

from textual.pilot import Pilot
from textual.widgets import Static

from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.widgets.checklist.pane import Checklist
from cvbench_tui.tui.widgets.detail_view import DetailView
from cvbench_tui.tui.widgets.result_table import ResultTable
from cvbench_tui.tui.widgets.strips import ProgressStrip
from tests.tui.waits import until

ROOMY, WIDE, NARROW = (200, 50), (120, 40), (80, 24)


def bench(app: BenchApp, number: int) -> Checklist:
    return app.main_screen.query_one(f"#{('models', 'layers', 'devices')[number - 1]}", Checklist)


def strip(app: BenchApp) -> str:
    return str(app.main_screen.query_one(ProgressStrip).visual)


def word(app: BenchApp) -> str:
    """The strip's first line, without its hint."""
    return strip(app).split("\n")[0]


def text(app: BenchApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).visual)


def page(app: BenchApp) -> str:
    """What the detail in front says."""
    return str(app.screen.query_one(DetailView).query_one(Static).visual)


def ended(app: BenchApp) -> bool:
    return (
        app.run_manager.state.run is not None
        and app.run_manager.state.run.ended is not None
        and not app.run_manager.state.running
        and not app.run_manager.state.beginning
    )


def table(app: BenchApp) -> ResultTable:
    return app.main_screen.query_one(ResultTable)


def text_of(table: ResultTable, key: str) -> str:
    """The line of that row as it is drawn."""
    return "".join(segment.text for segment in table._strip(table._numbers[key])).rstrip()


def headings(table: ResultTable) -> list[str]:
    """What is written above the columns, arrow included."""
    return [column.heading for column in table._shown.columns]


def cursor(app: BenchApp) -> str | None:
    return table(app).cursor


def toasts(app: BenchApp) -> str:
    """What was notified, newest last."""
    return "\n".join(str(each.message) for each in app._notifications)


async def known(app: BenchApp, pilot: Pilot[int]) -> None:
    """Until the devices are known."""
    await until(pilot, lambda: app.run_manager.state.environment is not None)


async def run_all(app: BenchApp, pilot: Pilot[int]) -> None:
    """The recorded run, to its end."""
    await known(app, pilot)
    await pilot.press("r")
    await until(pilot, lambda: ended(app))
