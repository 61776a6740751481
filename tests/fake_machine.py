"""A machine whose CPU time a test decides: it passes by windows, not by a clock."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TypeVar

from cvbench_tui.engine.host import others
from cvbench_tui.engine.host.others import Programs

Value = TypeVar("Value")


class FakeMachine:
    """``used``: cores that others use in each window, the last one in all that follow; None: not known."""

    def __init__(
        self,
        *used: float | None,
        cores: int = 2,
        usable: int | None = None,
        programs: Sequence[Programs] = (),
        cards: Sequence[tuple[str, ...]] = ((),),
    ) -> None:
        self.used = used or (0.0,)
        self.cores = cores
        self.usable_cores = cores if usable is None else usable
        self.windows = 0  # that have passed
        self._busy_s = 0.0
        self._programs = [*programs]
        self._cards = cards

    def now_s(self) -> float:
        return self.windows * others.WINDOW_S

    def pause(self, stopped: threading.Event) -> None:
        self._busy_s += (self._now(self.used) or 0.0) * others.WINDOW_S
        self.windows += 1

    def others_s(self) -> float | None:
        return None if self._now(self.used) is None else self._busy_s

    def programs_s(self) -> Programs:
        return self._programs.pop(0) if self._programs else {}

    def busy_cards(self, since_s: float) -> tuple[str, ...]:
        return self._cards[min(self.windows, len(self._cards)) - 1]

    def _now(self, values: Sequence[Value]) -> Value:
        return values[min(self.windows, len(values) - 1)]
