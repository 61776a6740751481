"""Notes of a row: the reasons of its grades and the worker's notices, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cvbench_tui.core.grading.reasons import GRADES, NOTICES, REASONS, Grade
from cvbench_tui.core.measurement import PASS_OF, Measurement, Phase
from cvbench_tui.results.stats.phase_stats import PhaseResult


@dataclass(frozen=True)
class RowNote:
    """One thing about a row."""

    code: str  # key of ``core.grading.reasons.REASONS``, or of a notice
    grade: Grade | None  # the best grade that its phases can have with it; None for a notice, which lowers none
    phases: tuple[Phase, ...]  # those it was seen in with that grade; empty where it is about the whole row
    sentence: str  # what was seen in the first of the phases
    remedy: str = ""
    everywhere: bool = False  # True when it was seen in every phase that was measured

    @property
    def text(self) -> str:
        """``C in total, forward: What was seen. What to do.``"""
        return f"{self._where}{self.sentence} {self.remedy}".rstrip()

    @property
    def _where(self) -> str:
        if self.grade is None:
            return ""
        kind = "Note on" if self.grade == "A" else f"{self.grade} in"
        return f"{kind} {'all phases' if self.everywhere else ', '.join(self.phases)}: "


def remedy_of(code: str) -> str:
    """What can be done about a reason; empty for a code of another version."""
    return REASONS[code].remedy if code in REASONS else ""


def row_notes(measurement: Measurement, phases: Mapping[Phase, PhaseResult]) -> tuple[RowNote, ...]:
    """The reasons, worst first, each once for every grade that it costs; then the notices that no reason repeats."""
    seen: dict[tuple[str, Grade], dict[Phase, str]] = {}
    for phase, result in phases.items():
        for reason in result.reasons:
            seen.setdefault((reason.code, reason.grade), {}).setdefault(phase, reason.sentence)
    ranked = sorted(seen.items(), key=lambda item: -GRADES.index(item[0][1]))
    reasons = [
        RowNote(
            code, grade, tuple(sentences), next(iter(sentences.values())), remedy_of(code),
            everywhere=1 < len(phases) == len(sentences),
        )
        for (code, grade), sentences in ranked
    ]  # fmt: skip
    repeated = {_old_notice(code, phase) for (code, _), sentences in seen.items() for phase in sentences}
    notices = dict.fromkeys(notice for notice in measurement.notices if notice.code not in repeated)
    return (*reasons, *(RowNote(each.code, None, (), each.sentence, notice_remedy(each.code)) for each in notices))


def _old_notice(code: str, phase: Phase) -> str:
    """The notice that files of schema 1 have for that reason of a whole pass: ``unsettled_total``."""
    return f"{code}_{'total' if PASS_OF[phase] == 'training' else phase}"


def notice_remedy(code: str) -> str:
    """What can be done about a notice; empty when nothing is to be done."""
    return NOTICES[code].remedy if code in NOTICES else remedy_of(code)
