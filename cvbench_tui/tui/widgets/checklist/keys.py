"""The keys of a pick list and of its filter, declared once: footer, help, manual and tests read them here."""

from __future__ import annotations

from textual.binding import Binding, BindingType

FAR = 100_000
"""Lines to either end of any list."""


def _hidden(keys: str, action: str, description: str, name: str, tooltip: str) -> Binding:
    """A key that only the help names: the footer has no room for it."""
    return Binding(keys, action, description, show=False, id=f"list.{name}", tooltip=tooltip)


LIST_KEYS: list[BindingType] = [
    Binding("space", "tick", "Tick", key_display="Space", id="list.tick",
            tooltip="Tick or untick the line; on a heading, its family"),
    Binding("a", "tick_all", "All", id="list.all", tooltip="Tick all that the filter lets through"),
    Binding("n", "tick_none", "None", id="list.none", tooltip="Untick all that the filter lets through"),
    Binding("slash", "filter", "Filter", id="list.filter",
            tooltip="Filter the list; Enter or Down keeps the filter, Escape clears it"),
    _hidden("i", "invert", "Invert", "invert", "Swap the ticks of all that the filter lets through"),
    _hidden("enter", "enter", "Tick or fold", "enter", "Tick or untick the line; on a heading, fold or unfold it"),
    _hidden("escape", "clear_filter", "Clear filter", "clear_filter", "Clear the filter"),
    _hidden("left,h", "fold", "Fold", "fold", "Fold the family: only its heading stays"),
    _hidden("right,l", "unfold", "Unfold", "unfold", "Unfold the family"),
    _hidden("minus", "fold_all", "Fold all", "fold_all", "Fold every family"),
    _hidden("plus", "unfold_all", "Unfold all", "unfold_all", "Unfold every family"),
    _hidden("down,j", "move(1)", "Down", "down", "The line below"),
    _hidden("up,k", "move(-1)", "Up", "up", "The line above"),
    _hidden("home,g", f"move({-FAR})", "First", "first", "The first line"),
    _hidden("end,G", f"move({FAR})", "Last", "last", "The last line"),
    _hidden("pagedown,ctrl+d", "page(1)", "Page down", "page_down", "A page down"),
    _hidden("pageup,ctrl+u", "page(-1)", "Page up", "page_up", "A page up"),
]  # fmt: skip
FILTER_KEYS: list[BindingType] = [
    Binding("down,tab", "leave", "Leave", show=False, id="filter.leave", tooltip="Leave the filter, keeping it"),
    Binding("escape", "clear", "Clear", show=False, id="filter.clear", tooltip="Clear the filter, then leave it"),
]
