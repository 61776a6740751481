"""What is to be expected of a plan: how long it takes, when the run is done, which times earlier runs had."""

from __future__ import annotations

from collections.abc import Mapping

from cvbench_tui.catalog.duration import expected_by_case
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.eta import SteadyEta, done_share, eta_s
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_index import PastTimes
from cvbench_tui.results.text.units import scale_for


class Forecast:
    """One for the app; ``begin`` at every run."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.environment: Environment | None = None  # None until the worker has reported the devices
        self._expected: Mapping[str, float] = {}
        self._steady = SteadyEta()
        self._plan: Plan | None = None  # of the run, when its progress was last asked for

    def expected(self, plan: Plan) -> dict[str, float]:
        """Seconds that each row may take, by case id: by earlier runs of the same rows where there are any."""
        past_times = {case.case_id: self.past(case, plan.protocol.name) for case in plan.cases}
        known = {key: past.wall_s for key, past in past_times.items() if past is not None and past.wall_s is not None}
        return expected_by_case(plan, known)

    def begin(self, plan: Plan) -> None:
        """A run of that plan begins, or has got more rows."""
        self._expected = self.expected(plan)
        self._steady = SteadyEta()

    def progress(self, run: Run, now_s: float) -> tuple[float, float]:
        """Share that is done, 0 to 1, and seconds left, as shown: never a jump back by more than a tenth, save by rows
        that have been added, which are in the run only some events after ``begin``."""
        if run.plan is not self._plan:
            self._plan, self._steady = run.plan, SteadyEta()
        return done_share(run, self._expected), self._steady.shown(now_s, eta_s(run, self._expected))

    def past_text(self, case: Case) -> str:
        """The last total of that case on that device, or its inference: ``12.3 ms``; empty when there is none."""
        past = self.past(case, "")
        seconds = past and (past.total_s if past.total_s is not None else past.inference_s)
        return scale_for([seconds]).text(seconds) if seconds else ""

    def past(self, case: Case, protocol: str) -> PastTimes | None:
        """What the newest earlier run had for that case on that device."""
        device = self.environment.device(case.device) if self.environment is not None else None
        return self.history.past(case, device.name, protocol) if device is not None else None
