"""Numbers and names in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def percent(share: float) -> str:
    """``12%``, ``3.4%``, ``0.25%``: two significant digits."""
    return f"{100 * share:.2g}%" if abs(share) < 0.995 else f"{100 * share:.0f}%"


def plural(number: int, one: str, many: str = "") -> str:
    """``1 round``, ``3 rounds``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def first_names(names: Sequence[str], most: int = 3) -> str:
    """``a, b, c, ...``: no more of them than that."""
    return ", ".join(names[:most]) + ", ..." * (len(names) > most)
