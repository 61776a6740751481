"""Many small cases through one session, with a fault in every tenth: all others are measured, and memory, descriptors,
threads and processes of this program stay as they are after the first hundred.

Exit code 0 when that is so. The worker is ours on real torch, and what happens to it is real: signals, exits, stops,
lines that are no events. The run is written to a file and folded, as in the app; what it holds by itself is told apart
and not counted as growth: a fresh program that reads its file says how much that is.
"""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from common import parser
from soak_worker import FAILURE

from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_log import create_log

EVERY = 10  # case has a fault
GROWTH = 0.10  # of memory after the first ``STEADY`` cases that is too much
STEADY = 100
STAYS = 20  # cases after which one more is one too many
SILENCE_S = 6.0  # so that a hang costs seconds
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
WORKER = Path(__file__).with_name("soak_worker.py")


def plan(count: int) -> Plan:
    """So many different cases of one small layer; every tenth is named after its fault."""
    faults = itertools.cycle(FAILURE)
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
    cpu_s: float  # of its threads when the sample began, which takes ever longer: the garbage of a larger run
    ended_s: float  # and when it had been taken


def sample() -> Sample:
    """Now. Garbage is collected first: when Python does so by itself is chance."""
    cpu_s = time.process_time()
    gc.collect()
    rollup = (PROC / "self/smaps_rollup").read_text().splitlines()
    memory = next(int(line.split()[1]) << 10 for line in rollup if line.startswith("Pss:"))
    descriptors = len(os.listdir("/proc/self/fd")) - 1  # the one that lists them
    processes = len(below(os.getpid()))
    return Sample(memory, descriptors, threading.active_count(), processes, cpu_s, time.process_time())


def below(parent: int) -> list[int]:
    """The living processes that it and its own have started."""
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
    source = LiveSource((sys.executable, str(WORKER)), cpu_only=True)
    samples: list[Sample] = []
    try:
        session = Session(source, plan(count))
        with create_log(folder, session.run_id) as log:
            for event, run in session.run(log):  # noqa: B007 - the last one
                if event.kind == "case_started":
                    samples.append(sample())
                elif event.kind in ("case_failed", "case_finished") and sys.stderr.isatty():
                    print(f"\r{len(samples)} of {count}", end="", file=sys.stderr)
    finally:
        source.close()
    return run, samples


def held_bytes(path: Path) -> int:
    """Memory of the run by itself: what reading it takes in a program that has read a run before."""
    told = subprocess.run([sys.executable, __file__, "--held", str(path)], stdout=subprocess.PIPE, check=True)
    return int(told.stdout)


def read_twice(path: Path) -> int:
    """The second of two readings is all that counts: the first one imports what reading needs."""
    first = load(path)
    before = sample().memory_bytes
    second = load(path)
    print(sample().memory_bytes - before)
    return int(first.id != second.id)


def problems(run: Run, samples: list[Sample], held: int) -> list[str]:
    """What is not as it should be; empty when all is. ``held``: bytes of the run by itself."""
    found = []
    for case in run.plan.cases:
        outcome = run.outcomes.get(case.case_id)
        _, _, fault = case.workload.name.partition(": ")
        kind = "" if isinstance(outcome, Measurement) else outcome.kind if outcome is not None else "nothing"
        if kind != (FAILURE[fault] if fault else ""):
            found.append(f"{case.workload.name}: {kind or 'measured'} {getattr(outcome, 'sentence', '')}")
    if run.ended != "finished" or not samples:
        return [*found, f"the run ended as {run.ended}: {run.ended_sentence}"]
    steady = samples[min(STEADY, len(samples) // 2) :]
    first, last = steady[0], steady[-1]
    of_run = held * len(steady) / len(samples)  # of that since the first of these
    if last.memory_bytes - of_run > (1 + GROWTH) * first.memory_bytes:
        found.append(f"memory grew from {first.memory_bytes >> 20} to {last.memory_bytes >> 20} MiB")
    for name in ("descriptors", "threads", "processes"):
        # what ends a moment later, as the process that continued another, is no growth: what stays is
        values = [getattr(each, name) for each in steady]
        if min(values[-STAYS:]) > min(values[:STAYS]):
            found.append(f"{name}: {dict(sorted(Counter(values).items()))}")
    if left := below(os.getpid()):
        found.append(f"processes left at the end: {left}")
    return found


def account(samples: list[Sample], held: int) -> None:
    """Print what this program took."""
    print(f"the run by itself takes {held / 2**20:.1f} MiB")
    at = min(STEADY, len(samples) // 2)
    sizes = [f"{samples[index].memory_bytes / 2**20:.1f}" for index in (0, at, -1)]
    print(f"memory at case 1, {at + 1} and the last: {', '.join(sizes)} MiB")
    for name in ("descriptors", "threads", "processes"):
        print(f"{name}: {dict(sorted(Counter(getattr(each, name) for each in samples).items()))}")
    tenth = max(1, len(samples) // 10)
    costs = [(end.cpu_s - begin.ended_s) * 1e3 for begin, end in itertools.pairwise(samples)]
    means = (f"{fmean(costs[at : at + tenth]):.0f}" for at in range(0, len(costs), tenth))
    print("CPU of this program by case, ms, in each tenth: " + ", ".join(means))


def main() -> int:
    """Measure, look, print."""
    if sys.argv[1:2] == ["--held"]:
        return read_twice(Path(sys.argv[2]))
    arguments = parser(__doc__)
    arguments.add_argument("--cases", type=int, default=1000)
    options = arguments.parse_args()
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run, samples = soak(options.cases, Path(folder))
        held = held_bytes(next(Path(folder).glob("*.jsonl")))
    failed = Counter(failure.kind for failure in run.failures)
    took_s = time.monotonic() - started_s
    print(f"{len(run.plan.cases)} cases in {took_s:.0f} s: {len(run.measured)} measured, {dict(failed)}")
    if samples:
        account(samples, held)
    found = problems(run, samples, held)
    print("\n".join(found) or "all is as it should be")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
