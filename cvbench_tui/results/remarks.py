"""What a reader of a row should know: the reasons of its grades and the worker's notices, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.reasons import GRADES, REASONS, Grade, Reason
from cvbench_tui.results.statistics import PhaseResult


@dataclass(frozen=True)
class Remark:
    """One thing about a row."""

    code: str
    """Key of ``core.reasons.REASONS``, or of a notice."""
    grade: Grade | None
    """The best grade with it; None for a notice, which lowers none."""
    phases: tuple[Phase, ...]
    """Those it was seen in, the worst first; empty where it is about the whole row."""
    sentence: str
    """What was seen in the first of the phases."""
    remedy: str = ""
    """What the user can do; empty when nothing is to be done about a notice."""
    everywhere: bool = False
    """True when it was seen in every phase that was measured."""

    @property
    def text(self) -> str:
        """``C in total, forward: What was seen. What to do.``"""
        return f"{self._where}{self.sentence} {self.remedy}".rstrip()

    @property
    def _where(self) -> str:
        """A reason that costs no grade is a note."""
        if self.grade is None:
            return ""
        kind = "Note on" if self.grade == "A" else f"{self.grade} in"
        return f"{kind} {'all phases' if self.everywhere else ', '.join(self.phases)}: "


def remedy_of(code: str) -> str:
    """What can be done about it; empty for a code of another version."""
    return REASONS[code].remedy if code in REASONS else ""


def remarks(measurement: Measurement, phases: Mapping[Phase, PhaseResult]) -> tuple[Remark, ...]:
    """The reasons, worst first, then the notices that are no reason (``unsettled_total`` is said by ``unsettled``)."""
    seen: dict[str, list[tuple[Reason, Phase]]] = {}
    for phase, result in phases.items():
        for reason in result.reasons:
            seen.setdefault(reason.code, []).append((reason, phase))
    found = [_remark(each, everywhere=1 < len(phases) == len(each)) for each in seen.values()]
    found.sort(key=lambda remark: -GRADES.index(remark.grade or "A"))
    said = tuple(seen)
    notices = dict.fromkeys(notice for notice in measurement.notices if not notice.code.startswith(said))
    return (*found, *(Remark(notice.code, None, (), notice.sentence, remedy_of(notice.code)) for notice in notices))


def _remark(seen: list[tuple[Reason, Phase]], *, everywhere: bool) -> Remark:
    """One reason from what several phases say of it."""
    ranked = sorted(seen, key=lambda item: -GRADES.index(item[0].grade))
    worst = ranked[0][0]
    where = tuple(phase for _, phase in ranked)
    return Remark(worst.code, worst.grade, where, worst.sentence, remedy_of(worst.code), everywhere)
