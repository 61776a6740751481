"""Figures that others have published: where each is from, how it was made, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cvbench_tui.core.measurement import Phase


@dataclass(frozen=True)
class FigureSet:
    """What all figures share that one program measured on one machine in one way."""

    source: str  # whose, and the page or file
    url: str
    licence: str
    device: str  # in few words: ``GTX 1080 Ti``
    hardware: str  # as the source calls it, with what is known of the host
    software: str
    precision: str
    statistic: str  # what was made of the iterations: a mean, a minimum, and what is left out
    notes: tuple[str, ...] = ()  # how to read them: known flaws, in sentences


@dataclass(frozen=True)
class Figure:
    """The figures of one row."""

    of: FigureSet
    printed: Mapping[Phase, str] = field(default_factory=dict)  # ``0.0760 s``, as the source has it
    notes: tuple[str, ...] = ()  # about this row alone

    def label(self, framework: str) -> str:
        """Whose the row is: ``Flux 0.6.8+, Xeon Silver 4114, float64``; other precisions are settings of the row."""
        return ", ".join((framework, self.of.device, *(("float64",) if self.of.precision == "float64" else ())))

    @property
    def reading(self) -> tuple[str, ...]:
        """Every note that the row is read with, its own first."""
        return (*self.notes, *self.of.notes)
