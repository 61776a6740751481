"""A fact of the environment as text, by the unit that its name ends with."""

from __future__ import annotations

from collections.abc import Callable

from cvbench_tui.core.environment import Fact
from cvbench_tui.results.text import units

UNITS: dict[str, Callable[[float], str]] = {
    "_bytes": lambda value: units.bytes_text(int(value)),
    "_hz": units.hertz_text,
    "_w": units.watts_text,
    "_c": units.celsius_text,
    "_s": units.duration_text,
    "_share": units.part_text,
}
"""Ending of a fact's name, with what writes a number in its unit."""


def label(name: str) -> str:
    """A fact's name as it is shown, the ending that is its unit left out: ``memory total``, ``cuda:0 power limit``."""
    ending = next((ending for ending in UNITS if name.endswith(ending)), "")
    words = name.removesuffix(ending)
    return words if words.startswith("env.") else words.replace("_", " ").replace(".", " ")


def fact_text(name: str, value: Fact) -> str:
    """A fact's value with its unit, ``yes`` or ``no`` for a switch, a dash for what is not known."""
    if value is None or value == "":
        return units.MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    write = next((write for ending, write in UNITS.items() if name.endswith(ending)), None)
    return write(value) if write and isinstance(value, (int, float)) else str(value)
