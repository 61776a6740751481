"""Numbers in sentences."""

from __future__ import annotations


def percent(share: float) -> str:
    """``12%``, ``3.4%``, ``0.25%``: two significant digits."""
    return f"{100 * share:.2g}%" if abs(share) < 0.995 else f"{100 * share:.0f}%"


def plural(number: int, one: str, many: str = "") -> str:
    """``1 round``, ``3 rounds``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
