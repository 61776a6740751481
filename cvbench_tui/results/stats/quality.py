"""State of a row, as one word that needs no colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cvbench_tui.core.environment import CPU_INSTEAD, Environment
from cvbench_tui.core.measurement import Failure, FailureKind, Measurement, Phase
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.stop_rule import precise_over_visits
from cvbench_tui.results.stats.phase_stats import PhaseResult, worst_grade
from cvbench_tui.results.text.units import share_text

Word = Literal[
    "OK", "BUDGET", "HOST-BOUND", "INVALID", "OOM", "UNSUPPORTED", "ERROR", "CRASHED", "TIMED OUT", "CANCELLED",
    "RUNNING", "PENDING", "SKIPPED",
]  # fmt: skip

NOTICE_MARK = "*"
"""After the word of a row with a reason or a notice; they stand below the table and in the row's detail."""

FAILURE_WORDS: dict[FailureKind, Word] = {
    "out_of_memory": "OOM",
    "unsupported": "UNSUPPORTED",
    "error": "ERROR",
    "crashed": "CRASHED",
    "timed_out": "TIMED OUT",
    "cancelled": "CANCELLED",
    "skipped": "SKIPPED",
}

STATE_HELP = (
    "OK: the precision was reached; the grade covers everything else. "
    "BUDGET: measured, but the maximum of rounds or the time limit came before the precision. "
    "HOST-BOUND: measured, precisely or not, and the host needs longer to launch the work than the device to do it. "
    "INVALID: a number of the row has grade X. "
    "OOM, UNSUPPORTED, ERROR, CRASHED, TIMED OUT, CANCELLED: no numbers; Enter shows why. "
    "RUNNING, PENDING: being measured, waiting. SKIPPED: skipped by you, or never started. "
    "* : there is a reason or a notice, in the row's detail and in saved tables."
)


@dataclass(frozen=True)
class RowState:
    """One word, with what belongs to it."""

    word: Word
    fraction: float | None = None  # share of a running case that is done, 0 to 1
    noticed: bool = False  # True when a phase's grade has a reason, or the measurement carries a notice

    @property
    def text(self) -> str:
        """``OK``, ``BUDGET*``, ``RUNNING 37%``. Tables leave out the share, which would repaint them all the time."""
        after = f" {share_text(self.fraction or 0.0)}" if self.word == "RUNNING" else NOTICE_MARK * self.noticed
        return f"{self.word}{after}"


def row_state(run: Run, case: Case, phases: Mapping[Phase, PhaseResult]) -> RowState:
    """The state of that case's row, whose statistics are given."""
    if run.ended is None and run.running is not None and run.running.case_id == case.case_id:
        return RowState("RUNNING", run.progress.fraction if run.progress is not None else 0.0)
    outcome = run.outcomes.get(case.case_id)
    if outcome is None:
        return RowState("PENDING" if run.ended is None else "SKIPPED")
    if isinstance(outcome, Failure):
        return RowState(FAILURE_WORDS[outcome.kind])
    noticed = bool(outcome.notices) or any(result.reasons for result in phases.values())
    if worst_grade(phases) == "X":
        return RowState("INVALID", noticed=noticed)
    if any(result.host_bound for result in phases.values()):
        return RowState("HOST-BOUND", noticed=noticed)
    return RowState("OK" if _reached(outcome, run.plan.protocol) else "BUDGET", noticed=noticed)


def _reached(measurement: Measurement, protocol: Protocol) -> bool:
    """True when every phase ended because it was precise enough, or had a fixed number of iterations.

    With repetitions in several processes, all of them have to be there and to agree: each was precise for itself.
    """
    if measurement.visits < protocol.visits:
        return False
    if protocol.visits > 1:
        return precise_over_visits(measurement, protocol)
    return all(phase.stop in ("precision", "fixed") for phase in measurement.phases)


def outcome_text(run: Run) -> str:
    """``3 measured, 1 failed, 2 not begun``."""
    kinds = [each.kind if each.kind in ("skipped", "cancelled") else "failed" for each in run.failures]
    counts = {kind: kinds.count(kind) for kind in ("failed", "skipped", "cancelled")} | {"not begun": run.pending}
    return ", ".join([f"{len(run.measured)} measured", *(f"{count} {what}" for what, count in counts.items() if count)])


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
