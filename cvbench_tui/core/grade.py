"""From samples and evidence to a grade with its reasons."""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.core.reasons import Grade


@dataclass(frozen=True)
class Reason:
    """One thing that was seen in one phase of one case."""

    code: str
    """Key of ``core.reasons.REASONS``, which has meaning and remedy."""
    grade: Grade
    """The best grade a number can have with it; ``A`` for a mere note."""
    sentence: str
    """What was seen, with its figure, in one sentence."""


@dataclass(frozen=True)
class Assessment:
    """The grade of one phase of one case."""

    grade: Grade
    reasons: tuple[Reason, ...]
    """Worst first."""
