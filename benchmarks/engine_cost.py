"""What does the engine cost the processor for each timed group? Bar: 5 us more than a bare loop with the same marks.

The workload does nothing. In a fresh process the stopwatch takes a training pass of it, and a bare loop makes the same
calls with the same marks; CPU seconds of each, over the groups it timed. The sides alternate. Exit code 1 beyond the
bar.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from statistics import median

from common import parser

BAR_S = 5e-6
PASS_S = 1.0


def stopwatch() -> dict[str, float]:
    """CPU seconds for each group by our stopwatch, warm-up, evidence and statistics between rounds included."""
    from cvbench_tui.core.protocol import Protocol
    from cvbench_tui.worker.devices.cpu import CpuBackend
    from cvbench_tui.worker.timing.stopwatch import Stopwatch

    counted = Counted()
    protocol = Protocol("engine cost", precision=1e-9, budget_s=PASS_S, max_rounds=1000)
    watch = Stopwatch(counted, CpuBackend(), protocol, lambda _news: None)
    start = time.process_time()
    watch.run()
    return {"cpu_s": time.process_time() - start, "groups": counted.groups}


class Counted:
    """The real training pass of the workload that does nothing, counting its regions."""

    def __init__(self) -> None:
        from cvbench_tui.core.plan import Case
        from cvbench_tui.core.protocol import Protocol
        from cvbench_tui.core.workload import Workload
        from cvbench_tui.worker.devices.cpu import CpuBackend
        from cvbench_tui.worker.timing.passes import TrainingPass
        from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

        case = Case(Workload("layer", "nothing", "selftest_empty", (8,), ()), "cpu", 1)
        self.subject = ModuleUnderTest(case, Protocol("engine cost"))
        self.subject.train()
        self.subject.prepare_gradients(self.subject.forward())
        self.backend = CpuBackend()
        self._pass = TrainingPass(self.subject, self.backend)
        self.name, self.phases = self._pass.name, self._pass.phases
        self.begin, self.seconds = self._pass.begin, self._pass.seconds
        self.segments, self.segmented = self._pass.segments, self._pass.segmented
        self.groups = 0

    def regions(self, count: int, group: int) -> list[tuple[object, ...]]:
        """As the real one."""
        self.groups += count
        return self._pass.regions(count, group)


def bare() -> dict[str, float]:
    """The same calls with the same three marks, kept in a list, and nothing else."""
    counted = Counted()
    subject, mark = counted.subject, time.perf_counter_ns
    marks = []
    groups = 0
    start, end = time.process_time(), time.perf_counter() + PASS_S
    while time.perf_counter() < end:
        for _ in range(1000):
            subject.clear()
            first = mark()
            output = subject.forward()
            between = mark()
            subject.backward(output)
            last = mark()
            del output
            marks.append((first, between, last))
        groups += 1000
        marks.clear()
    return {"cpu_s": time.process_time() - start, "groups": groups}


def per_group_s(side: str) -> float:
    """CPU seconds for each group of one side in a fresh process."""
    command = [sys.executable, __file__, "--side", side]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    return float(found["cpu_s"]) / float(found["groups"])


def main() -> int:
    """Alternate both sides and print the difference."""
    arguments = parser(__doc__)
    arguments.add_argument("--pairs", type=int, default=5)
    arguments.add_argument("--side", choices=("ours", "bare"), help="only this side, once, as JSON")
    options = arguments.parse_args()
    if options.side:
        import torch

        torch.set_num_threads(1)
        print(json.dumps({"ours": stopwatch, "bare": bare}[options.side]()))
        return 0
    taken: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(options.pairs):
        for side in ("ours", "bare") if number % 2 == 0 else ("bare", "ours"):
            taken[side].append(per_group_s(side))
    ours, loop = median(taken["ours"]), median(taken["bare"])
    noise = max(max(values) - min(values) for values in taken.values())
    print(f"CPU for each timed group: stopwatch {ours * 1e6:.2f} us, bare loop {loop * 1e6:.2f} us")
    print(
        f"the engine costs {(ours - loop) * 1e6:.2f} us (bar {BAR_S * 1e6:g}); range of one side {noise * 1e6:.2f} us"
    )
    return int(ours - loop > BAR_S)


if __name__ == "__main__":
    sys.exit(main())
