"""What a pass is to the stopwatch: something that can run timed regions. Needs no torch, so that tests can stand in."""

from __future__ import annotations

from typing import Any, Protocol

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Phase

Marks = tuple[Any, ...]


class TimedPass(Protocol):
    """Some phases of one workload that are timed together."""

    name: PassName
    phases: tuple[Phase, ...]
    """In the order of ``seconds``, the phase that holds all the others last."""

    def begin(self) -> None:
        """Put the workload into this pass's mode."""

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations each, as their marks; not settled yet."""

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of each phase in one region, all its iterations together; valid once the device has settled."""
