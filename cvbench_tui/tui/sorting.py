"""Which column the table is sorted by. The sorting itself is ``results.table``'s."""

from __future__ import annotations

from collections.abc import Sequence


class SortOrder:
    """A column and a direction; without a column, the plan's order."""

    def __init__(self) -> None:
        self.column: str | None = None
        self.descending = False

    @property
    def current(self) -> tuple[str, bool] | None:
        """Column key and whether it goes downwards; None in the plan's order."""
        return None if self.column is None else (self.column, self.descending)

    def step(self, columns: Sequence[str], step: int) -> None:
        """To the next column on that side; beyond the last one stands the plan's order."""
        places: list[str | None] = [None, *columns]
        here = places.index(self.column) if self.column in places else 0
        self.column = places[(here + step) % len(places)]
        self.descending = False

    def choose(self, column: str) -> None:
        """A click on a heading: up, then down, then the plan's order again."""
        if self.column != column:
            self.column, self.descending = column, False
        elif not self.descending:
            self.descending = True
        else:
            self.column, self.descending = None, False

    def reverse(self) -> None:
        """The other direction."""
        self.descending = not self.descending
