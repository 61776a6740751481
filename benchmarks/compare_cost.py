"""What a comparison costs: two runs of 1,000 rows, and the memory of ten runs side by side.

``compare_cost.py`` [``--rows 1000``] [``--runs 10``] [``--of 1000``]: writes made-up runs by ``default`` (four phases,
twelve visits of a round of ten samples, each with counters of its own), and in a fresh process reads two of them and
compares them: before any row was looked at, which makes the time of one phase of each, and again, as after another
order is asked for. Then ten runs of as many rows are read in another one, and each compared with the first. Bars:
500 ms for the first comparison, 200 MB that ten runs in comparison add to the process. Exit code 1 where one is missed;
times are CPU seconds of this machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

MOST_S, MOST_BYTES = 0.5, 200e6
VISITS, SAMPLES = 12, 10
if TYPE_CHECKING:
    from cvbench_tui.core.measurement import Phase

FACTORS: dict[Phase, float] = {"forward": 1.0, "backward": 2.0, "total": 3.0, "inference": 0.75}


def write_run(path: Path, rows: int, number: int) -> None:
    """A run of that many rows, each a thousandth faster or slower than in the run before."""
    from cvbench_tui.core.event import CaseFinished, RunFinished, RunStarted
    from cvbench_tui.core.evidence import Evidence, PassName, PassRecord, Visit
    from cvbench_tui.core.measurement import Measurement, PhaseSamples
    from cvbench_tui.core.plan import Case, Plan
    from cvbench_tui.core.protocol import PROTOCOLS
    from cvbench_tui.core.workload import Workload
    from cvbench_tui.wire import encode

    random, began_s = Random(number), 1.7e9 + 1e4 * number
    cases = [Case(Workload("model", f"Model{each}", f"model{each}", (3, 224, 224)), "cpu", 8) for each in range(rows)]
    visits = tuple(Visit(began_s + 10 * each, 2.0, 100 + each) for each in range(VISITS))

    def record(name: PassName) -> PassRecord:
        """With counters that differ from round to round, as real ones do."""
        wall_s, waited_s = random.uniform(0.25, 0.3), random.uniform(0, 0.001)
        evidence = Evidence(
            wall_s, 0.8 * wall_s, cpu_s=2 * wall_s, thread_s=random.uniform(0.2, 0.3), waited_s=waited_s,
            switches=random.randrange(5), major_faults=0, others_s=random.uniform(0, 0.02), stolen_s=0.0,
            swapped_pages=0, clock_hz=random.uniform(3e9, 3.1e9), stops=0,
        )  # fmt: skip
        windows = tuple(random.uniform(0.01, 0.011) for _ in range(4))
        return PassRecord(name, (evidence,), True, random.uniform(0.5, 1), windows, 0.8, wall_s, 1e-7)

    with path.open("w") as file:
        plan = Plan("large", tuple(cases), PROTOCOLS["default"])
        file.write(encode(RunStarted(f"run{number}", plan, began_s, "0.1.0")) + "\n")
        for place, case in enumerate(cases):
            base_s = 0.01 * (1 + place / rows) * (1 + 0.001 * number)
            phases = tuple(
                PhaseSamples(phase, tuple(_round(random, base_s * factor) for _ in visits), 1, "perf_counter", "visit")
                for phase, factor in FACTORS.items()
            )
            passes = tuple(record(name) for _ in visits for name in ("training", "inference"))
            counts = tuple((phase.phase, (1,) * VISITS) for phase in phases)
            measured = Measurement(
                case.case_id, phases, 2**20, 10**6, 0.5, 1.0, 20.0, 2,
                visit_rounds=counts, timed_s=8.0, passes=passes, visit_records=visits,
            )  # fmt: skip
            file.write(encode(CaseFinished(measured)) + "\n")
        file.write(encode(RunFinished("finished", began_s + 200)) + "\n")


def _round(random: Random, base_s: float) -> tuple[float, ...]:
    level = random.gauss(base_s, 0.005 * base_s)
    return tuple(abs(random.gauss(level, 0.005 * base_s)) for _ in range(SAMPLES))


def cost(paths: Sequence[str]) -> dict[str, float]:
    """In this process: CPU seconds of reading the runs, of their rows, of comparing each with the first; bytes."""
    from cvbench_tui.results.compare.build import compare
    from cvbench_tui.results.compare.model import Side
    from cvbench_tui.results.storage.run_file import load

    marks = [time.process_time()]
    started_bytes = _peak()
    sides = [Side(path, load(Path(path))) for path in paths]
    marks.append(time.process_time())
    first = [compare(sides[0], side) for side in sides[1:]]
    marks.append(time.process_time())
    again = [compare(sides[0], side) for side in sides[1:]]
    marks.append(time.process_time())
    assert [each.rows for each in again] == [each.rows for each in first]
    made = dict(zip(("read", "compared unread", "compared"), (b - a for a, b in pairwise(marks)), strict=True))
    rows, every = sum(len(each.rows) for each in again), sum(len(side.run.plan.cases) for side in sides)
    return made | {"rows": rows, "all": every, "bytes": _peak(), "started": started_bytes}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1024.0 if sys.platform != "darwin" else 1.0)


def measured(paths: Sequence[Path]) -> dict[str, float]:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--cost", *map(str, paths)], check=True, stdout=subprocess.PIPE, cwd=ROOT
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def lines(two: dict[str, float], every: dict[str, float], runs: int) -> Iterator[str]:
    """What is printed."""
    own = every["bytes"] - every["started"]
    yield f"two runs read                  {two['read']:8.2f} s"
    yield f"compared before any was shown  {two['compared unread']:8.2f} s (bar {MOST_S} s)"
    yield f"compared again, {two['rows']:5,.0f} rows    {two['compared']:8.2f} s"
    yield f"{runs:2} runs in comparison add     {own / 1e6:8.0f} MB (bar {MOST_BYTES / 1e6:.0f} MB)"
    yield f"with the rest of the process   {every['bytes'] / 1e6:8.0f} MB"
    yield f"of that for each row           {own / every['all'] / 1e3:8.0f} kB"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="of the two runs whose time is taken")
    parser.add_argument("--runs", type=int, default=10, help="whose memory is taken")
    parser.add_argument("--of", type=int, default=1000, help="rows of each of these")
    parser.add_argument("--cost", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.cost:
        print(json.dumps(cost(options.cost)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        two, every = (
            measured(written(Path(folder), name, runs, rows))
            for name, runs, rows in (("time", 2, options.rows), ("memory", options.runs, options.of))
        )
    print("\n".join(lines(two, every, options.runs)))
    return int(two["compared unread"] > MOST_S or every["bytes"] - every["started"] > MOST_BYTES)


def written(folder: Path, name: str, runs: int, rows: int) -> list[Path]:
    """So many runs of so many rows."""
    paths = [folder / f"{name}{number}.jsonl" for number in range(runs)]
    for number, path in enumerate(paths):
        write_run(path, rows, number)
    return paths


if __name__ == "__main__":
    sys.exit(main())
