"""Many small cases through one session, with a fault in every tenth: all others are measured, and memory, descriptors,
threads and processes of this program stay as they are after the first hundred.

Exit code 0 when that is so. The worker is ours on real torch, and what happens to it is real: signals, exits, stops,
lines that are no events. The run is written to a file and folded, as in the app; what it holds by itself is told apart
in the output and counted all the same.
"""

from __future__ import annotations

import gc
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from common import parser

from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.results.storage.run_log import create_log
from cvbench_tui.wire import encode

EVERY = 10  # case has a fault
GROWTH = 0.10  # of memory after the first ``STEADY`` cases that is too much
STEADY = 100
SILENCE_S = 6.0  # so that a hang costs seconds
LONG_LINE = 65 << 20  # bytes; the limit is 64 MiB
PROTOCOL = replace(
    PROTOCOLS["quick"],
    name="soak",
    visits=1,
    max_visits=1,
    span_s=0.0,
    budget_s=0.02,
    round_s=0.002,
    max_rounds=1,
    warmup_cap_s=0.01,
    warmup_window_s=0.001,
    silence_s=SILENCE_S,
)
PROC = Path("/proc")


def _stop_and_continue(_line: Callable[[bytes], object]) -> None:
    """Stopped, and continued by a process of its own once it is."""
    wait = f"until grep -q '^State:.T' /proc/{os.getpid()}/status; do sleep 0.05; done; kill -CONT {os.getpid()}"
    subprocess.Popen(["sh", "-c", wait])
    os.kill(os.getpid(), signal.SIGSTOP)


def _leave_a_child(_line: Callable[[bytes], object]) -> None:
    subprocess.Popen(["sleep", "3600"])


def _fail(error: Exception) -> None:
    raise error


FAULTS: dict[str, tuple[Callable[[Callable[[bytes], object]], object], str]] = {
    "child killed": (lambda line: os.kill(os.getpid(), signal.SIGKILL), "crashed"),
    "raised": (lambda line: _fail(RuntimeError("of the soak")), "error"),
    "worker killed": (lambda line: os.kill(os.getppid(), signal.SIGKILL) or time.sleep(60), "crashed"),
    "exited": (lambda line: os._exit(7), "crashed"),
    "bad line": (lambda line: line(b"nonsense \x1b[31m\xff\n") and time.sleep(60), "crashed"),
    "out of memory": (lambda line: bytearray(1 << 60), "out_of_memory"),
    "stopped and continued": (_stop_and_continue, ""),
    "hung": (lambda line: time.sleep(3600), "timed_out"),
    "child left behind": (_leave_a_child, ""),
    "long line": (lambda line: [line(b"x" * (1 << 20)) for _ in range(LONG_LINE >> 20)] and time.sleep(60), "crashed"),
    "nested line": (lambda line: line(b"[" * 100_000 + b"\n") and time.sleep(60), "crashed"),
    "aborted": (lambda line: os.abort(), "crashed"),
}
"""What happens in the measuring process, given what writes to the channel; the failure that it is to be, or none."""


def worker() -> int:
    """Ours, whose measuring process has the fault that the case is named after."""
    from cvbench_tui.worker import __main__ as program

    server = program.server

    def answer(real: partial[bool], request: dict[str, Any]) -> bool:
        if request["kind"] == "measure":
            _, _, fault = request["case"]["workload"]["name"].partition(": ")
            descriptor = real.keywords["channel"].descriptor
            if fault in FAULTS:
                send = real.keywords["channel"].write
                send({"kind": "case_started", "case_id": request["case_id"], "pid": os.getpid()})
                try:
                    FAULTS[fault][0](lambda data: os.write(descriptor, data))
                except Exception as error:
                    from cvbench_tui.core.event import CaseFailed
                    from cvbench_tui.worker.process.channel import case_from
                    from cvbench_tui.worker.process.failure import failure_from

                    real.keywords["channel"].send(CaseFailed(failure_from(case_from(request["case"]), error), 0.0))
                    return False
        return real(request)

    program.server = lambda real, crash, one_case: server(partial(answer, real), crash, one_case=one_case)
    return program.main()


def plan(count: int) -> Plan:
    """So many different cases of one small layer; every tenth is named after its fault."""
    faults = itertools.cycle(FAULTS)
    names = (f"{number}: {next(faults)}" if number % EVERY == EVERY - 1 else str(number) for number in range(count))
    size = (("in_features", 64), ("out_features", 8))
    return Plan(
        "soak", tuple(Case(Workload("layer", name, "linear", (64,), size), "cpu", 1) for name in names), PROTOCOL
    )


@dataclass(frozen=True)
class Sample:
    """This program at the start of a case."""

    memory_bytes: int  # its share of all pages (PSS)
    descriptors: int
    threads: int
    processes: int  # below it: the worker, and the one that measures
    cpu_s: float  # of its threads so far


def sample() -> Sample:
    """Now. Garbage is collected first: when Python does so by itself is chance."""
    gc.collect()
    rollup = (PROC / "self/smaps_rollup").read_text().splitlines()
    memory = next(int(line.split()[1]) << 10 for line in rollup if line.startswith("Pss:"))
    descriptors = len(os.listdir("/proc/self/fd")) - 1  # the one that lists them
    return Sample(memory, descriptors, threading.active_count(), len(below(os.getpid())), time.process_time())


def below(parent: int) -> list[int]:
    """The living processes that it and its own have started, and those that nobody has any more of a session of theirs."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, above = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents.setdefault(int(above), []).append(int(entry.name))
    found = parents.get(parent, [])
    for pid in found:
        found += parents.get(pid, [])
    return found


def soak(count: int, folder: Path) -> tuple[Run, list[Sample]]:
    """Measure them; the run, and a sample at the start of each case."""
    source = LiveSource((sys.executable, __file__, "--worker"), cpu_only=True)
    samples: list[Sample] = []
    try:
        session = Session(source, plan(count))
        with create_log(folder, session.run_id) as log:
            for event, run in session.run(log):
                if event.kind == "case_started":
                    samples.append(sample())
                elif event.kind in ("case_failed", "case_finished") and sys.stderr.isatty():
                    print(f"\r{len(samples)} of {count}", end="", file=sys.stderr)
    finally:
        source.close()
    return run, samples


def problems(run: Run, samples: list[Sample]) -> list[str]:
    """What is not as it should be; empty when all is."""
    found = []
    for case in run.plan.cases:
        outcome = run.outcomes.get(case.case_id)
        _, _, fault = case.workload.name.partition(": ")
        kind = "" if isinstance(outcome, Measurement) else outcome.kind if outcome is not None else "nothing"
        if kind != (FAULTS[fault][1] if fault else ""):
            found.append(f"{case.workload.name}: {kind or 'measured'} {getattr(outcome, 'sentence', '')}")
    if run.ended != "finished":
        found.append(f"the run ended as {run.ended}: {run.ended_sentence}")
    steady = samples[min(STEADY, len(samples) // 2) :]
    first, last = steady[0], steady[-1]
    if last.memory_bytes > (1 + GROWTH) * first.memory_bytes:
        found.append(f"memory grew from {first.memory_bytes >> 20} to {last.memory_bytes >> 20} MiB")
    for name in ("descriptors", "threads", "processes"):
        values = Counter(getattr(each, name) for each in steady)
        if max(values) > values.most_common(1)[0][0] or getattr(last, name) > getattr(first, name):
            found.append(f"{name}: {dict(sorted(values.items()))}")
    if left := below(os.getpid()):
        found.append(f"processes left at the end: {left}")
    return found


def main() -> int:
    """Measure, look, print."""
    if sys.argv[1:] == ["--worker"]:
        return worker()
    arguments = parser(__doc__)
    arguments.add_argument("--cases", type=int, default=1000)
    options = arguments.parse_args()
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run, samples = soak(options.cases, Path(folder))
    failed = Counter(failure.kind for failure in run.failures)
    print(
        f"{len(run.plan.cases)} cases in {time.monotonic() - started_s:.0f} s: {len(run.measured)} measured, {dict(failed)}"
    )
    start = samples[min(STEADY, len(samples) // 2)]
    held = sum(len(encode(outcome)) for outcome in run.outcomes.values())
    print(
        f"memory at case 1, {samples.index(start)} and the last: "
        + ", ".join(f"{each.memory_bytes / 2**20:.1f} MiB" for each in (samples[0], start, samples[-1]))
        + f"; the run's outcomes are {held / 2**20:.1f} MiB as text"
    )
    for name in ("descriptors", "threads", "processes"):
        print(f"{name}: {dict(sorted(Counter(getattr(each, name) for each in samples).items()))}")
    tenth = max(1, len(samples) // 10)
    costs = [(end.cpu_s - begin.cpu_s) / tenth * 1e3 for begin, end in zip(samples[::tenth], samples[tenth::tenth])]
    print("CPU of this program by case, ms, in each tenth: " + ", ".join(f"{cost:.0f}" for cost in costs))
    found = problems(run, samples)
    print("\n".join(found) or "all is as it should be")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
