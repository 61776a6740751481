"""One list of things to tick, with its filter. It shows a ``ChecklistModel``; it does not know what the things are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.state.checklist_model import ChecklistLine, ChecklistModel
from cvbench_tui.tui.widgets.checklist.lines import ChecklistLines
from cvbench_tui.tui.widgets.filter_input import PaneFilter

FAR = 100_000  # lines to either end of any list


class Checklist(Vertical):
    """A titled list with ticks, families that fold, and a filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", key_display="Space", id="list.tick",
                tooltip="Tick or untick the line; on a heading, its family"),
        Binding("a", "tick_shown(True)", "All", id="list.all", tooltip="Select all shown"),
        Binding("n", "tick_shown(False)", "None", id="list.none", tooltip="Deselect all shown"),
        Binding("slash", "filter", "Filter", id="list.filter",
                tooltip="Filter the list; Enter or Down keeps the filter, Escape clears it"),
        hidden("i", "tick_shown(None)", "Invert", "list.invert", "Invert the selection of all shown"),
        hidden("enter", "enter", "Tick or fold", "list.enter",
               "Tick or untick the line; on a model, list its layers; on a heading, fold or unfold it"),
        hidden("escape", "clear_filter", "Clear filter", "list.clear_filter", "Clear the filter"),
        hidden("left,h", "fold(True)", "Fold", "list.fold", "Fold the family: only its heading stays"),
        hidden("right,l", "fold(False)", "Unfold", "list.unfold", "Unfold the family"),
        hidden("minus", "fold_all(True)", "Fold all", "list.fold_all", "Fold every family"),
        hidden("plus", "fold_all(False)", "Unfold all", "list.unfold_all", "Unfold every family"),
        hidden("down,j", "move(1)", "Down", "list.down", "The line below"),
        hidden("up,k", "move(-1)", "Up", "list.up", "The line above"),
        hidden("home,g", f"move({-FAR})", "First", "list.first", "The first line"),
        hidden("end,G", f"move({FAR})", "Last", "list.last", "The last line"),
        hidden("pagedown,ctrl+d", "page(1)", "Page down", "list.page_down", "A page down"),
        hidden("pageup,ctrl+u", "page(-1)", "Page up", "list.page_up", "A page up"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    Checklist > .notice { height: auto; }
    Checklist#devices > ChecklistLines { height: auto; }
    .-narrow Checklist#devices > ChecklistLines, .-single Checklist#devices > ChecklistLines { height: 1fr; }
    """

    @dataclass(eq=False)
    class Opened(Message):
        """Enter on an item of a list whose items hold others."""

        key: str

    class Changed(Message):
        """Other things are ticked now; one for every key or click that changed some."""

    def __init__(self, title: str, ticks: ChecklistModel, *, id: str, opens: bool = False) -> None:  # noqa: A002
        """``opens``: Enter on an item is ``Opened``, and ticks nothing."""
        super().__init__(id=id)
        self._opens = opens
        self.ticks = ticks
        self._title = title
        self._sentence = ""
        self._filter = PaneFilter(placeholder="filter", compact=True)
        self._filter.display = False
        self.lines = ChecklistLines(ticks)
        self._notice = Static(markup=False, classes="notice")
        self.action_move, self.action_page = self.lines.move, self.lines.move_page

    def compose(self) -> ComposeResult:
        """The filter (hidden until used), a notice in place of an empty list, and the list."""
        yield self._filter
        yield self._notice
        yield self.lines

    def on_mount(self) -> None:
        """Fill it."""
        self.rebuild()

    def say(self, text: str) -> None:
        """Show a sentence above the list; empty takes it away."""
        if text != self._sentence:
            self._sentence = text
            self._update_notice()

    def rebuild(self, *, best: bool = False) -> None:
        """Show what the ticks offer now. The cursor stays on its line, goes to the heading that this is folded into, or
        to the first that can be ticked. ``best``: to a better match of the filter, so that Space ticks what was typed.
        """
        lines, line = self.ticks.lines, self.lines.current
        kept = [line, ChecklistLine(line.group)] if line is not None else []
        kept += [each for each in lines if each.item is not None and not each.item.reason]
        cursor = next((each for each in kept if each in lines), None)
        if best and cursor is not None and self.ticks.filter_text.strip():
            cursor = max([cursor, *lines], key=self._score)
        self.lines.show(lines, lines.index(cursor) if cursor is not None else 0)
        self._update_title()
        self._update_notice()

    def action_tick(self) -> None:
        """Tick or untick the line under the cursor, or its family."""
        line, before = self.lines.current, self.ticks.ticked
        if line is not None and line.item is None:
            self.ticks.toggle_group(line.group)
        elif line is not None and line.item is not None:
            self.ticks.toggle(line.item.key)
        self._redraw(before)

    def action_tick_shown(self, on: bool | None) -> None:
        """Tick or untick all that is shown; None: swap its ticks."""
        before = self.ticks.ticked
        self.ticks.tick_shown(on)
        self._redraw(before)

    def _redraw(self, before: tuple[str, ...]) -> None:
        """The same lines with other ticks than ``before``."""
        if self.ticks.ticked != before:
            self.lines.redraw()
            self._update_title()
            self.post_message(self.Changed())

    def action_enter(self) -> None:
        """A heading folds, an item is opened or ticked."""
        line = self.lines.current
        if self._opens and line is not None and line.item is not None:
            self.post_message(self.Opened(line.item.key))
        else:
            self._fold_or_tick()

    def _fold_or_tick(self) -> None:
        line = self.lines.current
        if line is not None and line.item is None:
            self.action_fold(not self.ticks.is_folded(line.group))
        else:
            self.action_tick()

    def action_fold(self, folded: bool) -> None:
        """Fold the family, the cursor on its heading, or unfold it."""
        line = self.lines.current
        if line is not None:
            (self.ticks.folded.add if folded else self.ticks.folded.discard)(line.group)
            self.rebuild()

    def action_fold_all(self, folded: bool) -> None:
        """Leave only the headings, or show every item."""
        self.ticks.folded = set(self.ticks.groups) if folded else set()
        self.rebuild()

    @on(ChecklistLines.Clicked)
    def _clicked(self, event: ChecklistLines.Clicked) -> None:
        """On a box, tick; on the rest of a line, tick or fold."""
        event.stop()
        (self.action_tick if event.on_box else self._fold_or_tick)()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is the screen's where there is no filter to clear."""
        return bool(self.ticks.filter_text) if action == "clear_filter" else True

    def action_filter(self) -> None:
        """Put the cursor into the filter."""
        self._filter.display = True
        self._filter.focus()

    def action_clear_filter(self) -> None:
        """Show everything again."""
        self._filter.value = ""
        self._filter.display = False

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.ticks.search(event.value)
        self.rebuild(best=True)

    @on(PaneFilter.Left)
    def _filter_left(self, event: PaneFilter.Left) -> None:
        event.stop()
        self.lines.focus()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """An empty filter goes when it is left, however that was."""
        if event.widget is self._filter:
            self._filter.display = bool(self._filter.value)

    def _score(self, line: ChecklistLine) -> float:
        return self.ticks.match(line.item).score if line.item is not None else -1.0

    def _update_title(self) -> None:
        title = f"{self._title} {len(self.ticks.ticked)} of {len(self.ticks.able)}"
        hidden = self.ticks.hidden_ticked if self.ticks.filter_text else 0
        self.border_title = Content(f"{title}, {hidden} hidden" if hidden else title)

    def _update_notice(self) -> None:
        """The sentence, or why the list is empty."""
        text = self._sentence
        if self.ticks.items and not self.ticks.shown:
            text = f'No {self.ticks.noun} matches "{self.ticks.filter_text}". Escape clears the filter.'
        self._notice.update(visible(text))
        self._notice.display = bool(text)
