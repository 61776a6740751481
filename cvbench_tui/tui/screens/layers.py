"""The distinct layers of a model, to be ticked. It changes nothing itself: it returns the choice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.layers import LayerEntry
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.state.layer_lines import layer_lines
from cvbench_tui.tui.widgets.choices import HEIGHTS, DialogList


class LayersScreen(Modal[tuple[LayerEntry, ...]]):
    """Dismisses with the ticked ones in the order of the model, or with None."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="layers.close", tooltip="Close without changes"),
        Binding("space", "tick", "Tick", id="layers.tick", tooltip="Tick or untick the layer under the cursor"),
        Binding("a", "all", "All", id="layers.all", tooltip="Tick all; when they all are, untick them"),
    ]
    DEFAULT_CSS = """
    LayersScreen.-usual DialogList { max-height: 8; }
    LayersScreen #about { height: 3; margin-top: 1; color: $text-muted; }
    """

    def __init__(self, model: str, layers: Sequence[LayerEntry], ticked: Collection[str]) -> None:
        """``ticked``: names of layers that are."""
        super().__init__()
        self._model = model
        self._layers = {entry.name: entry for entry in layers}
        self._lines = dict(zip(self._layers, layer_lines(tuple(self._layers.values())), strict=True))
        self._ticked = {name for name in self._layers if name in ticked}

    def compose(self) -> ComposeResult:
        """How many, the list, the layer under the cursor, buttons."""
        with Dialog(visible(f"Layers of {self._model}"), "Space tick   a all   Enter use   Escape close"):
            yield Static(id="count", markup=False)
            yield DialogList(id="layers", ticking=True)
            yield Static(id="about", markup=False)
            yield buttons(use="Use", tick="Tick", all="All", close="Close")

    def on_mount(self) -> None:
        """Fill the list."""
        listing = self.query_one(DialogList)
        listing.add_options([Option(self._line(name), id=str(place)) for place, name in enumerate(self._layers)])
        listing.highlighted = 0
        self._recount()

    @on(OptionList.OptionHighlighted)
    def _explain(self) -> None:
        self.query_one("#about", Static).update(visible(self._layers[self._current()].description))

    def action_tick(self) -> None:
        """Tick or untick the layer under the cursor."""
        self._ticked ^= {self._current()}
        self._redraw([self._current()])

    def action_all(self) -> None:
        """Tick all, or none."""
        self._ticked = set() if len(self._ticked) == len(self._layers) else set(self._layers)
        self._redraw(self._layers)

    @on(OptionList.OptionSelected)
    def action_use(self) -> None:
        """Close with what is ticked."""
        self.dismiss(tuple(entry for name, entry in self._layers.items() if name in self._ticked))

    def _current(self) -> str:
        return list(self._layers)[self.query_one(DialogList).highlighted or 0]

    def _redraw(self, names: Collection[str]) -> None:
        listing = self.query_one(DialogList)
        for place, name in enumerate(self._layers):
            if name in names:
                listing.replace_option_prompt(str(place), self._line(name))
        self._recount()

    def _recount(self) -> None:
        text = f"{len(self._ticked)} of {len(self._layers)} distinct layers ticked; columns: calls, share of operations"
        self.query_one("#count", Static).update(text)

    def _line(self, name: str) -> Content:
        if name in self._ticked:
            return Content.assemble(("[x] ", "$text-success bold"), (self._lines[name], "bold"))
        return Content.assemble("[ ] ", self._lines[name])
