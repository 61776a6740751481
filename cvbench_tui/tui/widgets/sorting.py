"""How keys and clicks change the order of a view. The sorting itself is ``results.table.build``'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cvbench_tui.results.table.view import View


def next_column(view: View, columns: Sequence[str], step: int) -> View:
    """To the next column on that side; beyond the last one stands the plan's order."""
    places: list[str | None] = [None, *columns]
    here = places.index(view.sort) if view.sort in places else 0
    return replace(view, sort=places[(here + step) % len(places)], descending=False)


def reversed_order(view: View) -> View:
    """Upwards, then downwards, then the plan's order; in that, nothing to reverse."""
    return view if view.sort is None else toggled(view, view.sort)


def toggled(view: View, column: str) -> View:
    """A click on a heading: up, then down, then the plan's order again."""
    if view.sort != column:
        return replace(view, sort=column, descending=False)
    if not view.descending:
        return replace(view, descending=True)
    return replace(view, sort=None, descending=False)
