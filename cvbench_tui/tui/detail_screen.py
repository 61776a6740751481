"""Everything about one row: the sections of ``results.detail`` and its histograms, drawn."""

from __future__ import annotations

import math
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from cvbench_tui.core.run import Run
from cvbench_tui.results.detail import Histogram, Section, detail, histograms
from cvbench_tui.results.escape import visible
from cvbench_tui.tui.page import append_entry, inner_width

BAR = "\u2588"
BAR_WIDTH = 40
"""Cells of the fullest bin."""


class DetailScreen(ModalScreen[None]):
    """A page to scroll and to close."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "close", "Close")]

    def __init__(self, run: Run, case_id: str) -> None:
        super().__init__()
        self._run = run
        self._case_id = case_id

    def compose(self) -> ComposeResult:
        """One text in a box that scrolls."""
        with VerticalScroll(classes="dialog page") as page:
            page.border_title = "Row"
            page.border_subtitle = "arrows scroll   Escape close"
            yield Static(self._page(), id="detail")

    def on_mount(self) -> None:
        """The arrows scroll at once."""
        self.query_one(VerticalScroll).focus()

    def action_close(self) -> None:
        """Back to the table."""
        self.dismiss(None)

    def _page(self) -> Text:
        """The sections, each phase's histogram under its statistics."""
        drawn = {histogram.title.split()[0]: histogram for histogram in histograms(self._run, self._case_id)}
        blocks = []
        for section in detail(self._run, self._case_id):
            blocks.append(_section(section, inner_width(self.app.size.width)))
            if section.title in drawn:
                blocks.append(_histogram(drawn[section.title]))
        return Text("\n").join(blocks)


def _section(section: Section, page_width: int) -> Text:
    """Title, labelled texts, lines. Escape sequences in a worker's last words are shown, not obeyed."""
    block = Text(visible(section.title) + "\n", style="bold")
    width = max((len(label) for label, _ in section.pairs), default=0)
    for label, text in section.pairs:
        append_entry(block, visible(label), visible(text), indent=width + 2, width=page_width)
    for line in section.lines:
        block.append(f"  {visible(line)}\n", style="not bold")
    return block


def _histogram(histogram: Histogram) -> Text:
    """One line a bin: from, to, bar, count."""
    block = Text(style="not bold")
    most = max(each.count for each in histogram.bins)
    wide = max(len(each.high) for each in histogram.bins)
    for each in histogram.bins:
        bar = BAR * math.ceil(BAR_WIDTH * each.count / most)
        block.append(f"  {each.low.rjust(wide)} to {each.high.rjust(wide)}  ", style="dim")
        block.append(bar, style="green")
        block.append(f" {each.count}\n" if each.count else "\n")
    return block
