"""``python -m tests.worker.launches``: what rows of more and more launches come out as, on the simulated card.

Each launch needs 22 us of the host and 5 us of the device, with 0.2% of noise; a third of them is forward. The worker's
own stopwatch, grades and statistics, protocol default.
"""

from __future__ import annotations

import random

from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.results.stats.phase_stats import Terms, phase_results
from cvbench_tui.worker.timing.stopwatch import Stopwatch
from tests.worker.fake_cuda import FakeCuda, FakeCudaBackend, FakePass

HOST_S, DEVICE_S = 22e-6, 5e-6
PROTOCOL = Protocol("at one go")


def measured(launches: int, host_s: float = HOST_S, device_s: float = DEVICE_S) -> Measurement:
    """A row of so many launches."""
    kernels = (launches // 3, launches - launches // 3)
    backend = FakeCudaBackend(FakeCuda())
    halves = [count * device_s for count in kernels]
    timed = FakePass(backend, *halves, tuple(count * host_s for count in kernels), kernels)
    draw = random.Random(4)
    timed.noise = timed.host_noise = lambda: draw.gauss(1.0, 0.002)
    result = Stopwatch(timed, backend, PROTOCOL, lambda _: None).run()
    return Measurement(
        "a", tuple(result.phases), None, None, None, 0.0, 1.0, 1, timed_s=result.timed_s, passes=(result.record,),
        wall=result.wall,
    )  # fmt: skip


def main() -> None:
    """Print the table, ms."""
    print("| launches | device, true | host, true | total | forward | backward | device | host | says |")  # noqa: T201
    print("|---|---|---|---|---|---|---|---|---|")  # noqa: T201
    for launches in (800, 1500, 2200, 4200):
        found = phase_results(measured(launches), Terms(PROTOCOL))
        total = found["total"]
        words = ", ".join(reason.code.replace("_", "-") for reason in total.reasons)
        times = [found[phase].median_s for phase in ("total", "forward", "backward")] + [total.device_s, total.host_s]
        cells = [f"{1e3 * seconds:.1f}" for seconds in (launches * DEVICE_S, launches * HOST_S)]
        cells += [f"{1e3 * seconds:.1f}" for seconds in times]
        cells[2] += f" {total.grade}"
        print("| " + " | ".join([str(launches), *cells, words]) + " |")  # noqa: T201


if __name__ == "__main__":
    main()
