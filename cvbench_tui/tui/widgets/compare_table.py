"""The rows of a comparison, drawn line by line: speedup, interval as a chart, verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from cvbench_tui.tui.state.compare_lines import ComparedLines, CompareLayout, CompareLine, lay_out
from cvbench_tui.tui.widgets.line_table import LineTable


class CompareTable(LineTable[CompareLine]):
    """A comparison, and its cursor, which stays on its row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Details", key_display="Enter", id="compare.details",
                tooltip="Everything about the row under the cursor, of both sides"),
    ]  # fmt: skip

    class Arranged(Message):
        """Its lines or its columns are others now."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: ComparedLines | None = None
        self._words: tuple[str, ...] = ()
        self.layout_now = CompareLayout()  # the columns, at the width of now

    def show(self, lines: ComparedLines, words: tuple[str, ...] = ()) -> None:
        """Show its rows that have all these words."""
        self._lines, self._words = lines, words
        self._arrange()

    def _arrange(self) -> None:
        if self._lines is None or not self.size.width:
            return
        before, self.layout_now = self.layout_now, lay_out(self._lines, self.size.width)
        self.put_lines(self._lines.body(self._words), anew=self.layout_now != before)
        self.post_message(self.Arranged())

    @property
    def lines(self) -> int:
        """Lines below the heading."""
        return len(self._body)

    def on_resize(self) -> None:
        """Other columns may fit now."""
        self._arrange()

    def heading(self) -> str:
        """The line of headings, with the ruler of the chart."""
        return self.layout_now.header

    def cells(self, row: CompareLine) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Text and names of the styles of each cell."""
        return self.layout_now.cells(row)

    def column_at(self, x: int) -> str | None:
        """Key of the column there."""
        return self.layout_now.column_at(x)
