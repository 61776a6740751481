"""A row of a side as a comparison reads it: the phases that are asked for, each made once."""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run, environment_of
from cvbench_tui.results.stats.kept import Kept
from cvbench_tui.results.stats.phase_stats import terms_of
from cvbench_tui.results.stats.phase_time import PhaseTime, phase_time
from cvbench_tui.results.stats.quality import Quality
from cvbench_tui.results.stats.row_data import row_data


@dataclass(frozen=True)
class RowTimes:
    """One row of a run."""

    run: Run
    case: Case
    measurement: Measurement | None  # None while there are no numbers
    made: dict[Phase, PhaseTime | None]  # those that were asked for

    def time(self, phase: Phase) -> PhaseTime | None:
        """The number of that phase; None without one."""
        if self.measurement is None:
            return None
        if phase not in self.made:
            self.made[phase] = phase_time(self.measurement, phase, terms_of(self.run, self.case))
        return self.made[phase]

    @property
    def over(self) -> bool:
        """Whether the row has failed, or its run has ended: it gets no number any more."""
        home, mine = self.run.home(self.case)
        return home.ended is not None or mine.case_id in home.outcomes

    @property
    def quality(self) -> Quality:
        """Of the whole row, by the statistics of all its phases."""
        return row_data(self.run, self.case).quality


_KEPT: Kept[dict[Phase, PhaseTime | None]] = Kept()


def row_times(run: Run, case: Case) -> RowTimes:
    """That row of the run, or of the one whose row it is beside this one's."""
    home, mine = run.home(case)
    outcome = home.outcomes.get(mine.case_id)
    if not isinstance(outcome, Measurement):
        return RowTimes(run, case, None, {})
    made_from = (mine, environment_of(home, mine), home.plan.protocol, home.ceilings.get(mine.device))
    return RowTimes(run, case, outcome, _KEPT.of(outcome, made_from, dict))
