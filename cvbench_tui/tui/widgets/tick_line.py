"""A line of a dialog with a title and a few values to tick, or to choose one of; it folds where it is too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from cvbench_tui.base.escape import one_line
from cvbench_tui.tui.state.plan_settings import Choice
from cvbench_tui.tui.terminal.theme import MUTED

TITLE_CELLS = 15  # where the values begin
GAP = 2  # cells between two values


class TickLine(Widget, can_focus=True):
    """``Compile        [x] eager  [ ] default``. Left and right go to a value, Space or a click ticks it. What no
    ticked device can do has a dash in its box and can be ticked all the same: its rows say why."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "move(1)", "Next", id="ticks.next", tooltip="The next value"),
        Binding("left,h", "move(-1)", "Previous", id="ticks.previous", tooltip="The value before"),
        Binding("space", "tick", "Tick", id="ticks.tick", tooltip="Tick or untick the value under the cursor"),
    ]
    DEFAULT_CSS = """
    TickLine { height: auto; width: 1fr; }
    """

    class Changed(Message):
        """Another value is under the cursor, or ticked."""

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        ticked: Sequence[str],
        *,
        id: str,  # noqa: A002
        single: bool = False,
    ) -> None:
        """``single``: exactly one is chosen, the first unless ``ticked`` names another."""
        super().__init__(id=id)
        self._title = title
        self.choices = tuple(choices)
        self._single = single
        names = [choice.name for choice in choices]
        self._ticked = {name for name in names if name in ticked} or ({names[0]} if single else set())
        self._cursor = next((at for at, name in enumerate(names) if name in self._ticked), 0)

    @property
    def ticked(self) -> tuple[str, ...]:
        """Names of what is ticked, in the line's order."""
        return tuple(choice.name for choice in self.choices if choice.name in self._ticked)

    @property
    def current(self) -> Choice:
        """What is under the cursor."""
        return self.choices[self._cursor]

    def tick(self, names: Sequence[str]) -> None:
        """Tick these and no others."""
        self._ticked = set(names)
        self.refresh()

    def offer(self, choices: Sequence[Choice]) -> None:
        """Other values of a line where one is chosen: the chosen one stays where it is among them, else the first."""
        self.choices = tuple(choices)
        names = [choice.name for choice in choices]
        self._ticked = {name for name in names if name in self._ticked} or {names[0]}
        self._cursor = next(at for at, name in enumerate(names) if name in self._ticked)
        self.refresh(layout=True)

    def action_move(self, step: int) -> None:
        """The value beside; it stops at the ends."""
        self._go(min(max(self._cursor + step, 0), len(self.choices) - 1), tick=self._single)

    def action_tick(self) -> None:
        """Tick or untick the value under the cursor; where one is chosen, choose the next, after the last the first."""
        self._go((self._cursor + self._single) % len(self.choices), tick=True)

    def _go(self, place: int, *, tick: bool) -> None:
        self._cursor = place
        name = self.current.name
        if tick:
            self._ticked = {name} if self._single else self._ticked ^ {name}
        self.refresh()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """A click ticks the value that is clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for place, (row, begin) in enumerate(self._places(self.content_size.width)):
            if row == offset.y and begin <= offset.x < begin + cell_len(self._text(place)):
                self._go(place, tick=True)

    def on_focus(self) -> None:
        """What is under the cursor is to be explained."""
        self.post_message(self.Changed())

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Cells of all values in one row."""
        return TITLE_CELLS + sum(cell_len(self._text(place)) + GAP for place in range(len(self.choices)))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows that the values fold into."""
        return self._places(width)[-1][0] + 1

    def render(self) -> Content:
        """Title, boxes and names."""
        parts: list[tuple[str, str] | str] = [one_line(self._title).ljust(TITLE_CELLS)]
        row, cell = 0, TITLE_CELLS
        for place, (its_row, begin) in enumerate(self._places(self.content_size.width)):
            if its_row > row:
                parts.append("\n" * (its_row - row))
                row, cell = its_row, 0
            text = self._text(place)
            parts += [" " * (begin - cell), (text, self._style(place))]
            cell = begin + cell_len(text)
        return Content.assemble(*parts)

    def _text(self, place: int) -> str:
        """``[x] eager``, and round brackets where one is chosen."""
        choice = self.choices[place]
        sign = "x" if choice.name in self._ticked else "-" if choice.reason else " "
        return f"({sign}) {choice.name}" if self._single else f"[{sign}] {choice.name}"

    def _style(self, place: int) -> str:
        choice = self.choices[place]
        ticked = choice.name in self._ticked
        style = MUTED if choice.reason else "$text-success bold" if ticked else ""
        return f"{style} reverse".strip() if self.has_focus and place == self._cursor else style

    def _places(self, width: int) -> list[tuple[int, int]]:
        """Row and first cell of each value."""
        places, row, cell = [], 0, TITLE_CELLS
        for place in range(len(self.choices)):
            cells = cell_len(self._text(place))
            if cell > TITLE_CELLS and cell + cells > width:
                row, cell = row + 1, TITLE_CELLS
            places.append((row, cell))
            cell += cells + GAP
        return places
