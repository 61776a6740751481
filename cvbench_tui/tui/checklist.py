"""One list of things to tick, with its filter. It shows a ``Ticks``; it does not know what the things are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cvbench_tui.results.escape import visible
from cvbench_tui.tui.ticks import Item, Ticks

NAME_ROOM = 19
"""Most cells the names take before the notes begin: what leaves the notes room in the narrowest pane."""


class Filter(Input):
    """The filter's line. Letters are text here, so it is left by Enter, Down or Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "leave", "Leave the filter, keeping it", show=False),
        Binding("escape", "clear", "Clear the filter, then leave it", show=False),
    ]

    class Left(Message):
        """The user is done with it."""

    def action_leave(self) -> None:
        """Hand the focus back to the list."""
        self.post_message(self.Left())

    def action_clear(self) -> None:
        """First empty it, then leave."""
        if self.value:
            self.value = ""
        else:
            self.action_leave()

    async def action_submit(self) -> None:
        """Enter leaves it, too."""
        self.action_leave()


class Checklist(Vertical):
    """A titled list with ticks, headings and a filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", key_display="Space", tooltip="Tick or untick the line under the cursor"),
        Binding("a", "tick_all", "All", tooltip="Tick everything shown"),
        Binding("n", "tick_none", "None", tooltip="Untick everything shown"),
        Binding("i", "invert", "Invert", show=False, tooltip="Swap the ticks of everything shown"),
        Binding(
            "slash",
            "filter",
            "Filter",
            tooltip="Filter the list; Enter or Down keeps the filter, Escape clears it",
        ),
    ]

    class Changed(Message):
        """Other things are ticked now."""

    def __init__(self, title: str, ticks: Ticks, *, id: str, legend: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self.ticks = ticks
        self._title = title
        self._filter = Filter(placeholder="filter", compact=True)
        self._filter.display = False
        self._list = OptionList(markup=False, compact=True)
        self._notice = Static(markup=False, classes="notice")
        self.border_subtitle = Content(legend)

    def compose(self) -> ComposeResult:
        """The filter (hidden until used), a notice in place of an empty list, and the list."""
        yield self._filter
        yield self._notice
        yield self._list

    def on_mount(self) -> None:
        """Fill it."""
        self.say("")
        self.rebuild()

    def say(self, text: str) -> None:
        """Show a sentence above the list; empty takes it away."""
        self._notice.update(visible(text))
        self._notice.display = bool(text)

    def focus_list(self) -> None:
        """Put the cursor into the list."""
        self._list.focus()

    def rebuild(self) -> None:
        """Show what the ticks offer now, with the cursor on the line it was on."""
        self._filter.display = self._filter.has_focus or bool(self.ticks.needle)
        before = self._current()
        shown = self.ticks.shown
        width = _name_width(shown)
        group, options = "", []
        for item in shown:
            if item.group != group:
                group = item.group
                options.append(Option(Content.assemble((item.group, "$text-muted italic")), disabled=True))
            options.append(Option(self._line(item, width), id=item.key, disabled=bool(item.reason)))
        self._list.set_options(options)
        keys = [option.id for option in options]
        free = [index for index, option in enumerate(options) if not option.disabled]
        self._list.highlighted = keys.index(before) if before is not None and before in keys else next(iter(free), None)
        self._retitle()

    def action_tick(self) -> None:
        """Tick or untick the line under the cursor."""
        key = self._current()
        if key is not None:
            self.ticks.toggle(key)
            self._redraw()

    def action_tick_all(self) -> None:
        """Tick everything shown."""
        self.ticks.tick_shown(True)
        self._redraw()

    def action_tick_none(self) -> None:
        """Untick everything shown."""
        self.ticks.tick_shown(False)
        self._redraw()

    def action_invert(self) -> None:
        """Swap the ticks of everything shown."""
        self.ticks.invert_shown()
        self._redraw()

    def action_filter(self) -> None:
        """Put the cursor into the filter."""
        self._filter.display = True
        self._filter.focus()

    @on(Input.Changed)
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self.ticks.needle = event.value
        self.rebuild()

    @on(Filter.Left)
    def _left(self, event: Filter.Left) -> None:
        event.stop()
        self._list.focus()
        self._filter.display = bool(self.ticks.needle)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click on a line."""
        event.stop()
        self.action_tick()

    def _current(self) -> str | None:
        """Key under the cursor; None on an empty list."""
        option = self._list.highlighted_option
        return option.id if option is not None else None

    def _redraw(self) -> None:
        """New marks on the same lines: cheaper than a rebuild, and the cursor stays."""
        width = _name_width(self.ticks.shown)
        for item in self.ticks.shown:
            self._list.replace_option_prompt(item.key, self._line(item, width))
        self._retitle()
        self.post_message(self.Changed())

    def _retitle(self) -> None:
        able = sum(1 for item in self.ticks.items if not item.reason)
        self.border_title = Content(f"{self._title} {len(self.ticks.ticked)} of {able}")

    def _line(self, item: Item, width: int) -> Content:
        """``[x] Resnet18   11.7 M``; what cannot be ticked says why."""
        name = item.name.ljust(width)
        if item.reason:
            return Content.assemble("[-] ", name, " ", visible(item.reason))
        if self.ticks.has(item.key):
            return Content.assemble(("[x] ", "$text-success bold"), (name, "bold"), " ", (item.note, "$text-muted"))
        return Content.assemble("[ ] ", name, " ", (item.note, "$text-muted"))


def _name_width(items: Sequence[Item]) -> int:
    """Cells of the column of names; a longer name pushes its own note aside."""
    return min(NAME_ROOM, max((len(item.name) for item in items), default=0))
