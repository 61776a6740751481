"""One list of things to tick, with its filter. It shows a ``ChecklistModel``; it does not know what the things are."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.state.checklist_model import ChecklistLine, ChecklistModel
from cvbench_tui.tui.widgets.checklist.keys import FILTER_KEYS, LIST_KEYS
from cvbench_tui.tui.widgets.checklist.lines import ChecklistLines


class Filter(Input):
    """The filter's line. Letters are text here, so it is left by Enter, Down, Tab or Escape."""

    BINDINGS: ClassVar[list[BindingType]] = FILTER_KEYS

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
    """A titled list with ticks, families that fold, and a filter."""

    BINDINGS: ClassVar[list[BindingType]] = LIST_KEYS
    DEFAULT_CSS = """
    Checklist > .notice { height: auto; }
    Checklist#devices > ChecklistLines { height: auto; }
    .-narrow Checklist#devices > ChecklistLines, .-single Checklist#devices > ChecklistLines { height: 1fr; }
    """

    class Changed(Message):
        """Other things are ticked now; one for every key or click that changed some."""

        def __init__(self, checklist: Checklist) -> None:
            super().__init__()
            self.checklist = checklist

        @property
        def control(self) -> Checklist:
            """The list it happened in."""
            return self.checklist

    def __init__(self, title: str, ticks: ChecklistModel, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.ticks = ticks
        self._title = title
        self._said = ""
        self._filter = Filter(placeholder="filter", compact=True)
        self._filter.display = False
        self._lines = ChecklistLines(ticks)
        self._notice = Static(markup=False, classes="notice")

    def compose(self) -> ComposeResult:
        """The filter (hidden until used), a notice in place of an empty list, and the list."""
        yield self._filter
        yield self._notice
        yield self._lines

    def on_mount(self) -> None:
        """Fill it."""
        self.rebuild()

    def say(self, text: str) -> None:
        """Show a sentence above the list; empty takes it away."""
        self._said = text
        self._notify()

    def focus_list(self) -> None:
        """Put the cursor into the list."""
        self._lines.focus()

    def rebuild(self) -> None:
        """Show what the ticks offer now, with the cursor on the line it was on."""
        self._show(self._kept())

    # -- what is under the cursor

    def action_tick(self) -> None:
        """Tick or untick the line under the cursor, or its family."""
        line, before = self._lines.current, self.ticks.ticked
        if line is not None and line.item is None:
            self.ticks.toggle_group(line.group)
        elif line is not None and line.item is not None:
            self.ticks.toggle(line.item.key)
        self._ticked(before)

    def action_enter(self) -> None:
        """A heading folds, an item is ticked."""
        line = self._lines.current
        if line is not None and line.item is None:
            (self.action_unfold if self.ticks.is_folded(line.group) else self.action_fold)()
        else:
            self.action_tick()

    def action_fold(self) -> None:
        """Fold the family, the cursor on its heading."""
        line = self._lines.current
        if line is not None:
            self.ticks.fold(line.group)
            self.rebuild()

    def action_unfold(self) -> None:
        """Unfold the family."""
        line = self._lines.current
        if line is not None:
            self.ticks.unfold(line.group)
            self.rebuild()

    def action_fold_all(self) -> None:
        """Leave only the headings."""
        self.ticks.fold_all()
        self.rebuild()

    def action_unfold_all(self) -> None:
        """Show every item."""
        self.ticks.unfold_all()
        self.rebuild()

    def action_move(self, step: int) -> None:
        """Move the cursor by so many lines."""
        self._lines.move(step)

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many pages."""
        self._lines.move_rows(pages * max(1, self._lines.size.height - 1))

    # -- all of it

    def action_tick_all(self) -> None:
        """Tick everything shown."""
        before = self.ticks.ticked
        self.ticks.tick_shown(True)
        self._ticked(before)

    def action_tick_none(self) -> None:
        """Untick everything shown."""
        before = self.ticks.ticked
        self.ticks.tick_shown(False)
        self._ticked(before)

    def action_invert(self) -> None:
        """Swap the ticks of everything shown."""
        before = self.ticks.ticked
        self.ticks.invert_shown()
        self._ticked(before)

    def _ticked(self, before: tuple[str, ...]) -> None:
        """Other ticks, the same lines. ``before``: what was ticked."""
        if self.ticks.ticked == before:
            return
        self._lines.redraw()
        self._retitle()
        self.post_message(self.Changed(self))

    # -- the filter

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
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self.ticks.filter_text = event.value
        self._show(self._best())

    @on(Filter.Left)
    def _left(self, event: Filter.Left) -> None:
        event.stop()
        self._lines.focus()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """An empty filter goes when it is left, however that was."""
        if event.widget is self._filter:
            self._filter.display = bool(self._filter.value)

    # -- what the list draws and hears

    @on(ChecklistLines.Clicked)
    def _clicked(self, event: ChecklistLines.Clicked) -> None:
        """On a box, tick; on the rest of a line, do what Enter does."""
        event.stop()
        (self.action_tick if event.place == "box" else self.action_enter)()

    @on(ChecklistLines.LaidOut)
    def _laid_out(self, event: ChecklistLines.LaidOut) -> None:
        event.stop()
        self.border_subtitle = Content("  ".join(event.headings))

    def _show(self, cursor: ChecklistLine | None) -> None:
        lines = self.ticks.lines
        self._lines.show(lines, _index(lines, cursor))
        self._retitle()
        self._notify()

    def _kept(self) -> ChecklistLine | None:
        """The line under the cursor, the heading it is folded into, or the first one that can be ticked."""
        lines, line = self.ticks.lines, self._lines.current
        if line is not None:
            places = {_place(each): each for each in lines}
            kept = places.get(_place(line)) or places.get((line.group, None))
            if kept is not None:
                return kept
        return next((each for each in lines if each.item is not None and not each.item.reason), None)

    def _best(self) -> ChecklistLine | None:
        """The line under the cursor, unless the filter found a better one: Space ticks what was typed."""
        kept = self._kept()
        found = [line for line in self.ticks.lines if line.item is not None]
        best = max(found, key=self._score, default=None)
        if kept is None or best is None or not self.ticks.filter_text.strip():
            return kept
        return kept if kept.item is not None and self._score(kept) == self._score(best) else best

    def _score(self, line: ChecklistLine) -> int:
        return self.ticks.score(line.item) if line.item is not None else 0

    def _retitle(self) -> None:
        title = f"{self._title} {len(self.ticks.ticked)} of {self.ticks.able}"
        hidden = self.ticks.hidden_ticked if self.ticks.filter_text else 0
        self.border_title = Content(f"{title}, {hidden} hidden" if hidden else title)

    def _notify(self) -> None:
        """What was said, and why the list is empty."""
        text = self._said
        if self.ticks.items and not self.ticks.shown:
            text = f'No {self.ticks.noun} matches "{self.ticks.filter_text}". Escape clears the filter.'
        self._notice.update(visible(text))
        self._notice.display = bool(text)


def _place(line: ChecklistLine) -> tuple[str, str | None]:
    """What a line is known by, even when its item has got other texts."""
    return (line.group, line.item.key if line.item is not None else None)


def _index(lines: tuple[ChecklistLine, ...], wanted: ChecklistLine | None) -> int:
    return lines.index(wanted) if wanted is not None and wanted in lines else 0
