"""What a comparison of two sides holds. Plain data; ``build`` makes it, and screens and exporters show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.ratio import Ratio

if TYPE_CHECKING:
    from cvbench_tui.results.stats.quality import Quality

Verdict = Literal["faster", "slower", "same", "not told apart"]
Order = Literal["plan", "best", "worst"]
BOUND = 0.01  # differences below it are called the same, unless the user sets another


@dataclass(frozen=True)
class Side:
    """What is compared: a run, or the rows of one run with that value of an axis."""

    name: str  # short, as the user called it: ``last~1``, ``bf16``
    run: Run
    value: str = ""  # of the axis that the comparison goes along; empty: all rows of the run


@dataclass(frozen=True)
class SideTime:
    """One phase of one row on one side."""

    case: Case
    seconds: float  # per iteration: the number that tables show
    relative: float | None  # half width of its 95% interval as a share of it
    quality_of: Callable[[], Quality] = field(compare=False, repr=False)

    @property
    def quality(self) -> Quality:
        """The row's, by the statistics of all its phases, which the comparison does not need: made where it is asked
        for."""
        return self.quality_of()


@dataclass(frozen=True)
class ComparedRow:
    """One phase of a workload on both sides."""

    key: str  # unique in its comparison
    label: str  # workload, and those settings that are the same on both sides and tell rows apart
    batch: str  # as text; ``8 and 16`` where the sides differ
    phase: Phase
    a: SideTime | None  # None where that side has no such row, or no number
    b: SideTime | None
    ratio: Ratio | None  # None without two valid numbers
    verdict: Verdict | None  # None without a ratio, and where nothing was repeated
    sentence: str = ""  # why there is no verdict; of ``not told apart`` what it would take: ``needs 12 more processes``
    case_ids: tuple[str, str] = ("", "")  # of the rows that it compares, with numbers or without
    baseline: str = ""  # A's row and phase: the same in every comparison with that side, which ``key`` is not


@dataclass(frozen=True)
class RunComparison:
    """Side B against side A, which is the baseline."""

    a: Side
    b: Side
    along: str  # the axis, one of ``catalog.axes.COMPARED`` or ``run``
    bound: float
    rows: tuple[ComparedRow, ...]
    means: tuple[tuple[Phase, Ratio, int], ...]  # geometric mean of each phase, with the number of rows in it
    differences: tuple[str, ...]  # what else differs: ``torch 2.14.1, was 2.11.0``; empty: only the axis does
    only_a: tuple[str, ...] = ()  # names of the rows that the other side lacks
    only_b: tuple[str, ...] = ()
    corrected: int = 0  # rows, of all comparisons that it stands beside, that its verdicts are corrected over

    @property
    def doubtful(self) -> bool:
        """True where more differs than what is compared: verdicts carry a mark."""
        return bool(self.differences)

    def count(self, verdict: Verdict) -> int:
        """Rows with that verdict."""
        return sum(row.verdict == verdict for row in self.rows)
