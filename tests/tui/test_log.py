"""The log as the user sees it: what it is for, what came, from its oldest line to its newest, and in the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.widgets import Log

from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.widgets.log_pane import INDENT, NOTHING, LogPane, folded
from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.dialog_app import seen
from tests.tui.flow import NARROW, WIDE, known, run_all
from tests.tui.waits import until


class Talking(ReplaySource):
    """Its worker says something on stderr."""

    hear: Callable[[str], None]

    def listen(self, hear: Callable[[str], None]) -> None:
        self.hear = hear


def lines(app: BenchApp) -> str:
    return "\n".join(app.main_screen.log_pane.query_one(Log).lines)


async def test_what_came_is_read_and_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvbench_tui.tui.terminal.clipboard.tool_for", lambda environ: [])
    source = Talking(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("5")
        assert "The output of the measuring process appears here" in seen(app)
        await run_all(app, pilot)
        await pilot.press("5")
        await until(pilot, lambda: "Resnet18" in lines(app))
        assert "Nothing yet" not in lines(app)
        source.hear("a warning of torch [/] [bold]\x1b[31mred")
        await until(pilot, lambda: "a warning of torch [/] [bold]\\x1b[31mred" in lines(app))
        await pilot.press("1")
        for number in range(100):
            source.hear(f"line {number}")
        await pilot.press("5")
        await until(pilot, lambda: "line 99" in seen(app))
        await pilot.press("g")
        await until(pilot, lambda: "line 99" not in seen(app) and "Resnet18" in seen(app))
        await pilot.press("G")
        await until(pilot, lambda: "line 99" in seen(app))
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard.endswith("line 99"))
        assert "\x1b" not in app.clipboard


class Alone(App[None]):
    """The pane alone, with its lines folded to its width."""

    def compose(self) -> ComposeResult:
        yield LogPane(id="log")

    @property
    def pane(self) -> LogPane:
        return self.query_one(LogPane)

    @property
    def log_widget(self) -> Log:
        return self.query_one(Log)


LONG = "12:03:44 " + " ".join(f"word{number}" for number in range(30)) + " last"


async def test_long_lines_are_folded_to_the_pane_and_again_after_a_resize() -> None:
    app = Alone()
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.pause()
        for word in NOTHING[1].split():
            assert word in seen(app), "also what is there before any line"
        app.pane.show(["12:03:43 begun", LONG], 2)
        for size in ((60, 16), NARROW, WIDE, (60, 16)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            rows = [row[1:-1].rstrip("\u2502 ") for row in seen(app).splitlines() if "word" in row]
            assert len(rows) > 1
            assert rows[0].startswith("12:03:44 word0")
            assert all(row.startswith(" " * INDENT + "word") for row in rows[1:])
            assert " ".join(row.strip() for row in rows) == LONG


async def test_only_new_lines_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write_lines = Log.write_lines

    def counted(self: Log, lines: list[str], scroll_end: bool | None = None) -> Log:
        written.extend(lines)
        return write_lines(self, lines, scroll_end)

    monkeypatch.setattr(Log, "write_lines", counted)
    app = Alone()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        said = [f"line {number}" for number in range(50)]
        app.pane.show(said, 50)
        written.clear()
        app.pane.show([*said, LONG], 51)
        assert written == folded(LONG, app.log_widget.scrollable_content_region.width)
        app.pane.show([*said, LONG], 51)
        await pilot.resize_terminal(80, 20)
        await pilot.pause()
        assert "line 0" not in written, "another height is no other width"
        await pilot.press("tab", "g")
        await pilot.pause()
        assert "line 0" in seen(app)
        await pilot.resize_terminal(100, 20)
        await pilot.pause()
        assert written.count("line 0") == 1
        assert app.log_widget.lines.count("line 0") == 1
        assert "line 0" in seen(app), "who reads further up stays there"


def test_a_folded_line_is_whole_and_fits() -> None:
    lines = (LONG, "x" * 500, "\u6f22" * 200, "a\tb " * 60, "12:03:44 " + "\u6f22" * 200, "")
    shown = {(line, cells): folded(line, cells) for line, cells in product(lines, (30, 57, 117))}
    wide = [each for each, rows in shown.items() if max(cell_len(row.rstrip()) for row in rows) > each[1]]
    torn = [each for each, rows in shown.items() if "".join("".join(rows).split()) != "".join(each[0].split())]
    assert (wide, torn) == ([], [])
