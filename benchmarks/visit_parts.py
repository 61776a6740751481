"""The worker, with the parts of its visits timed, for ``efficiency.py``: a line of JSON in a file for each visit."""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cvbench_tui.core.measurement import Measurement
    from cvbench_tui.worker.process.job import Job


class Parts:
    """Seconds by part of one visit, in the worker. A function within another one is of the outer one's part."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._clock = clock
        self._inside = False

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its seconds counted."""

        def call(*arguments: Any, **options: Any) -> Any:
            if self._inside:
                return function(*arguments, **options)
            self._inside, begun = True, self._clock()
            try:
                return function(*arguments, **options)
            finally:
                self._inside = False
                self.seconds[part] += self._clock() - begun

        return call


def main(file: str) -> None:
    """The worker, with its parts timed; a line of JSON in ``file`` for each visit."""
    from cvbench_tui.worker.__main__ import main as worker
    from cvbench_tui.worker.extras.collect import ExtrasCollector
    from cvbench_tui.worker.process import job
    from cvbench_tui.worker.timing import stopwatch
    from cvbench_tui.worker.timing.warmup import WarmUp

    parts = Parts()
    places: tuple[tuple[str, Any, str], ...] = (
        ("build", job, "ModuleUnderTest"), ("first call", job, "_first_call"), ("garbage", job, "_stop_collector"),
        ("warm-up", WarmUp, "run"), ("rounds", stopwatch.Stopwatch, "_run_rounds"),
        ("deferred", stopwatch, "deferred_share"), ("extras", ExtrasCollector, "collect"),
        ("sentinel", job, "sentinel"),
    )  # fmt: skip
    for part, where, name in places:
        setattr(where, name, parts.timed(part, getattr(where, name)))
    measure = job.Job._measure

    def measured(each: Job) -> Measurement:
        parts.seconds.clear()  # a kept process has had other visits
        measurement = measure(each)
        with Path(file).open("a") as out:
            out.write(json.dumps({"case": measurement.case_id, "parts": parts.seconds}) + "\n")
        return measurement

    job.Job._measure = measured  # type: ignore[method-assign, assignment]
    worker()


if __name__ == "__main__":
    main(sys.argv[1])
