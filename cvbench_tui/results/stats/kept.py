"""What was made from a measurement, kept as long as the measurement is in use."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import finalize

from cvbench_tui.core.measurement import Measurement

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """The newest of each measurement, by identity, with the objects that it was made from. Any thread may ask, so that
    the one that draws finds it made. What is kept must not hold its measurement: that would keep itself in use."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[object, ...], Made]] = {}

    def of(self, measurement: Measurement, made_from: tuple[object, ...], make: Callable[[], Made]) -> Made:
        """What ``make`` returns; once for each measurement and those very objects."""
        known = self._known.get(id(measurement))
        # the same objects: to compare their values would take longer than to read
        if known is not None and all(map(operator.is_, known[0], made_from)):
            return known[1]
        if known is None:
            finalize(measurement, self._known.pop, id(measurement), None).atexit = False
        made = make()
        self._known[id(measurement)] = (made_from, made)
        return made
