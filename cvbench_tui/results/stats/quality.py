"""Quality of a row: its letter with the weightiest mark, how far it is on the way, or why it has no numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cvbench_tui.core.environment import CPU_INSTEAD, Environment
from cvbench_tui.core.grading.reasons import GRADES, REASONS, Grade
from cvbench_tui.core.measurement import Failure, Phase
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.phase_stats import PhaseResult, worst_grade
from cvbench_tui.results.text.units import share_text

QUALITY_HELP = (
    "The grade of the row's worst phase, A, B, C, D or X, and in a word what speaks against it most: B drift. "
    "While the run goes on: the share of its visits that the row has had, queued before the first. "
    "OOM, unsupported, error, crashed, timed out, cancelled: no numbers; Enter shows why. skipped: by you. "
    "not begun: the run ended before. "
    "published: others' figures, which have no grade. The reasons are in the row's detail and below saved tables."
)


_PLACES = {code: place for place, code in enumerate(REASONS)}


@dataclass(frozen=True)
class Quality:
    """The one verdict on a row."""

    letter: Grade | None  # None without numbers, and for those that others have published
    word: str = ""  # its mark, or the word of a row without numbers
    share: float | None = None  # of its visits that it has had; None once it needs no more

    @property
    def text(self) -> str:
        """``A``, ``B drift``, ``OOM``, ``41%``."""
        return " ".join(filter(None, (self.letter, self.word))) if self.share is None else share_text(self.share)

    @property
    def order(self) -> float | None:
        """What rows are sorted by, the best first: unmarked ones before others of their letter, then those that are
        being measured; None without numbers."""
        if self.share is not None:
            return len(GRADES) + 1 - self.share
        return None if self.letter is None else GRADES.index(self.letter) + 0.5 * bool(self.word)

    @property
    def numbers(self) -> bool:
        """Whether the row has numbers."""
        return self.letter is not None or self == PUBLISHED


PUBLISHED = Quality(None, "published")
"""Of a row whose figures are others': no grade is made up for them."""


def verdict(phases: Mapping[Phase, PhaseResult]) -> Quality:
    """Of a row with these statistics."""
    marks = [each for result in phases.values() for each in result.reasons if each.grade != "A"]
    marks.sort(key=lambda each: (-GRADES.index(each.grade), _PLACES[each.code]))
    word = f"{REASONS[marks[0].code].word} {marks[0].figure}".rstrip() if marks else ""
    return Quality(worst_grade(phases), word)


def without_numbers(run: Run, case: Case) -> Quality:
    """Of a row that has failed, or has had no visit."""
    outcome = run.outcomes.get(case.case_id)
    if isinstance(outcome, Failure):
        return Quality(None, "OOM" if outcome.kind == "out_of_memory" else outcome.kind.replace("_", " "))
    if run.ended is None:
        running = run.running is not None and run.running.case_id == case.case_id
        return Quality(None, share=begun(run)) if running else Quality(None, "queued")
    return Quality(None, "not begun")


def begun(run: Run) -> float:
    """Share of its visits that the running row has had of the one that is going on."""
    return (run.progress.fraction if run.progress is not None else 0.0) / run.plan.protocol.max_visits


def cpu_instead(plan: Plan, environment: Environment | None) -> str:
    """Why the CPU alone is measured where an accelerator is expected, in one sentence; empty otherwise."""
    why = environment.why_no_accelerator if environment is not None else ""
    return f"{CPU_INSTEAD}: {why}" if why and all(case.device == "cpu" for case in plan.cases) else ""


def ended_text(run: Run) -> str:
    """How the run ended, in a sentence; empty for one that finished."""
    return {
        None: "The run had not ended when this was written.",
        "finished": "",
        "cancelled": "The run was cancelled.",
        "failed": f"The run failed: {run.ended_sentence}",
    }[run.ended]
