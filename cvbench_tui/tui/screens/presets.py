"""The presets: open one, save the present ticks as one, delete an own one. It touches no file: its caller does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cvbench_tui.base.escape import visible
from cvbench_tui.core.text import plural
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.terminal.theme import MUTED
from cvbench_tui.tui.widgets.choices import HEIGHTS, DialogList, fitted
from cvbench_tui.tui.widgets.filter_input import ListFilter

if TYPE_CHECKING:
    from cvbench_tui.catalog.presets import PresetEntry

NAME_ROOM = 24  # most cells that the names take before the descriptions begin
NOTHING_TICKED = "Nothing is ticked yet: there is nothing to save as a preset."


class PresetsScreen(Modal[tuple[Literal["open", "save", "delete"], str]]):
    """Dismisses with what is to be done with the preset of which name, or with None."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="presets.close", tooltip="Close the presets"),
        Binding("n", "save", "Save as", id="presets.save", tooltip="Save what is ticked as a preset"),
        Binding("d,delete", "delete", "Delete", id="presets.delete", tooltip="Delete a preset of your own"),
    ]
    DEFAULT_CSS = """
    PresetsScreen #name { display: none; margin-top: 1; }
    PresetsScreen #name.-shown { display: block; }
    """

    def __init__(
        self, entries: Sequence[PresetEntry], can_save: bool, check_name: Callable[[str], str] = lambda name: ""
    ) -> None:
        """``can_save``: something is ticked. ``check_name`` says in a sentence what is wrong with a new name."""
        super().__init__()
        self._entries = list(entries)
        self._can_save = can_save
        self._check_name = check_name

    def compose(self) -> ComposeResult:
        """The list, the name of a new one, room for a complaint, buttons."""
        with Dialog("Presets", "Enter open   n save as   d delete   Escape close"):
            yield DialogList(id="presets")
            yield ListFilter(placeholder="name of the new preset", id="name", compact=True)
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(open="Open", save="Save as", delete="Delete", close="Close")

    def on_mount(self) -> None:
        """Fill the list."""
        width = min(NAME_ROOM, max((cell_len(visible(entry.name)) for entry in self._entries), default=0))
        listing = self.query_one(DialogList)
        listing.add_options([Option(_line(entry, width), id=str(place)) for place, entry in enumerate(self._entries)])
        if self._entries:
            listing.highlighted = 0

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        """The whole description of the preset under the cursor: its line may be too short for it."""
        entry = self._current()
        if entry is None or entry.problem:
            self.complain("", "-hint")
        else:
            about = f"{plural(entry.workloads, 'workload')}, {'your own' if entry.own else 'shipped'}"
            self.complain(f"{about}: {entry.description}".rstrip(": "), "-hint")

    @on(OptionList.OptionSelected)
    def action_open(self) -> None:
        """Open the one under the cursor, unless it cannot be read."""
        entry = self._current()
        if entry is not None and entry.problem:
            self.complain(entry.problem)
        elif entry is not None:
            self.dismiss(("open", entry.name))

    def action_save(self) -> None:
        """Ask for a name, when there is something to save."""
        if not self._can_save:
            self.complain(NOTHING_TICKED)
            return
        field = self.query_one("#name", Input)
        field.add_class("-shown")
        field.focus()
        self.complain("Enter saves what is ticked under this name.", "-remark")

    @on(ListFilter.Left)
    def _unnamed(self) -> None:
        self.query_one("#name").remove_class("-shown")
        self.query_one(DialogList).focus()
        self.complain("")

    @on(Input.Submitted)
    def _named(self) -> None:
        """Save under that name: not a shipped one's, and an own one's only after a question."""
        name = self.query_one("#name", Input).value.strip()
        same = next((entry for entry in self._entries if entry.name.casefold() == name.casefold()), None)
        if not name:
            self.complain("Type a name.")
        elif same is not None and not same.own:
            self.complain(f"{same.name} is shipped with the program: choose another name.")
        elif problem := self._check_name(name):
            self.complain(problem)
        elif same is not None:
            question = f"The preset {same.name} already exists. Overwrite it?"
            self.confirm(question, "Overwrite", partial(self.dismiss, ("save", same.name)))
        else:
            self.dismiss(("save", name))

    def action_delete(self) -> None:
        """Delete the one under the cursor after a question; a shipped one stays."""
        entry = self._current()
        if entry is not None and not entry.own:
            self.complain(f"{entry.name} is shipped with the program and stays.")
        elif entry is not None:
            self.confirm(f"Delete the preset {entry.name}?", "Delete", partial(self.dismiss, ("delete", entry.name)))

    def _current(self) -> PresetEntry | None:
        place = self.query_one(DialogList).highlighted
        return None if place is None else self._entries[place]


def _line(entry: PresetEntry, width: int) -> Content:
    """``quick   5  what it is``; one that cannot be read says so."""
    name = fitted(entry.name, width)
    if entry.problem:
        return Content.assemble((name, "bold"), "  ", (f"cannot be read: {visible(entry.problem)}", "$text-error"))
    facts = f"{entry.workloads:>3}  {'own' if entry.own else '   '}  "
    return Content.assemble((name, "bold"), "  ", (facts, MUTED), visible(entry.description))
