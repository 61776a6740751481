"""How much of a visit's time is spent on the number, and where does the rest go? All rows in one plan, in turn.

    busy   seconds in which the workload was executing / wall seconds of the visits (bar: 0.9)
    used   seconds of the samples that enter the result / the same wall seconds    (bar: 0.6)
    fused  an iteration that gives forward, backward and total / one that gives total alone (bar: at most 1.1)

The wall seconds of a visit run from its request to its result, building the module included; the pauses between visits
are no part of them. Behind these the parts of the visits, percent of their wall seconds, by a worker whose functions
are timed: building the module, first call, collecting garbage, warm-up, rounds (with what is not timed in them), the
check for deferred work, memory and work, sentinel, and the rest. The protocol's optional extras are left out. The bars
are for iterations of a millisecond and more. Exit code 1 when a median misses its bar.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from common import Bar, Entry, case_of, conclude, label, machine, opened, parser

from cvbench_tui.core.measurement import WHOLE_PHASE
from cvbench_tui.core.protocol import CLEAN, PROTOCOLS, Protocol
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.core.stats.stop_rule import counted_evidence_by_visit
from cvbench_tui.selftest.context import CheckFailed, OurResult, Scope

WORKLOADS: tuple[Entry, ...] = (
    ("Conv3x3/1", 0, 1), ("Conv3x3 middle", 0, 4), ("Dense", 0, 64), ("BatchNorm 64", 0, 2), ("MaxPool 64", 0, 2),
    ("LayerNorm", 0, 8), ("SDPA B", 0, 2), ("Bottleneck", 0, 1), ("resnet18", 64, 2), ("vgg11", 64, 1),
    ("mobilenet_v2", 96, 1), ("squeezenet1_1", 128, 1),
)  # fmt: skip
TIMED_WORKER = (sys.executable, str(Path(__file__).with_name("visit_parts.py")))
JUDGED_FROM_S = 1e-3
CUDA_SCALE = 32
BUSY, USED, FUSED = 0.9, 0.6, 1.1
ALONE = replace(CLEAN, passes=("training",), extras=("alone",))
"""What the marks cost is taken at one go."""
PARTS = ("build", "first call", "garbage", "warm-up", "rounds", "deferred", "extras", "sentinel", "rest")
NOT_LOST = "rounds"


@dataclass(frozen=True)
class Row:
    """The shares of one case."""

    name: str
    iteration_s: float
    visits: int
    wall_s: float
    busy: float
    used: float
    fused: float | None
    """None where total alone was not measured."""
    parts: Mapping[str, float]
    """Share of the wall seconds, every one of ``PARTS``."""


def row_of(name: str, plain: OurResult, alone: OurResult, parts_s: Mapping[str, float], protocol: Protocol) -> Row:
    """Shares from the visits, the price of the marks from a run with ``alone``."""
    measurement = plain.measurement
    wall_s = measurement.wall_s
    used_s = sum(
        evidence.timed_s
        for phase in WHOLE_PHASE.values()
        for visit in counted_evidence_by_visit(measurement, phase, protocol)
        for evidence in visit
    )
    variant = alone.measurement.variant("alone", "total")
    found = estimate([variant.rounds]) if variant else None
    known = {part: parts_s.get(part, 0.0) / wall_s for part in PARTS[:-1]}
    return Row(
        name,
        plain.result("total").median_s,
        measurement.visits,
        wall_s,
        sum(record.busy_s for record in measurement.passes) / wall_s,
        used_s / wall_s,
        alone.result("total").median_s / found.median_s if found else None,
        {**known, "rest": 1 - sum(known.values())},
    )


def line(row: Row) -> str:
    """For printing."""
    parts = "".join(f"{100 * row.parts[part]:{len(part) + 2}.0f}" for part in PARTS)
    return (
        f"{row.name:<22}{row.iteration_s * 1e3:10.3f} ms{row.visits:7}{row.wall_s / row.visits:9.2f} s{row.busy:7.3f}"
        f"{row.used:7.3f}{'-' if row.fused is None else format(row.fused, '.3f'):>7}  {parts}"
    )


def bars(rows: Sequence[Row]) -> list[Bar]:
    """Medians over the rows that are judged; of what is missed, by how much, and what takes the time."""
    judged = [row for row in rows if row.iteration_s >= JUDGED_FROM_S]
    lost = {part: median(row.parts[part] for row in judged) for part in PARTS if part != NOT_LOST} if judged else {}
    most = sorted(lost, key=lambda part: -lost[part])[:3]
    where = ", ".join(f"{part} {lost[part]:.0%}" for part in most)

    def of(name: str, values: Sequence[float], limit: float, *, at_least: bool = True) -> Bar:
        value = median(values) if values else None
        bar = Bar(name, value, limit, at_least=at_least, note=f"median of {len(values)} rows of 1 ms and more")
        if value is None or bar.verdict != "missed":
            return bar
        took = f"; {where}" if at_least else ""
        return replace(bar, note=f"{bar.note}, {abs(value - limit):.3f} off{took}")

    return [
        of("busy", [row.busy for row in judged], BUSY),
        of("used", [row.used for row in judged], USED),
        of("fused", [row.fused for row in judged if row.fused is not None], FUSED, at_least=False),
    ]


def parts_by_case(text: str) -> dict[str, Counter[str]]:
    """Seconds of all visits to each case, from the worker's lines."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for each in map(json.loads, text.splitlines()):
        found[each["case"]].update(each["parts"])
    return found


def main() -> int:
    """Measure and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--protocol", default="default", choices=("quick", "default"))
    arguments.add_argument("--workloads", type=int, default=len(WORKLOADS), help="only the first so many")
    options = arguments.parse_args()
    protocol = replace(PROTOCOLS[options.protocol], extras=())
    scale = CUDA_SCALE if options.device.startswith("cuda") else 1
    entries = WORKLOADS[: options.workloads]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "parts"
        with opened(options.device, Scope(), (*TIMED_WORKER, str(file))) as bench:
            print(machine(bench))
            cases = [case_of(bench, entry, scale) for entry in entries]
            try:
                plain = bench.measure_all(cases, protocol)
                parts = parts_by_case(file.read_text())
                alone = bench.measure_all(cases, ALONE)
            except CheckFailed as error:
                print(error)
                return 1
            print(machine(bench))
    rows = [
        row_of(label(entry, scale), ours, marks, parts[case.case_id], protocol)
        for entry, case, ours, marks in zip(entries, cases, plain, alone, strict=True)
    ]
    print(
        f"{'workload':<22}{'iteration':>13}{'visits':>7}{'one visit':>11}{'busy':>7}{'used':>7}{'fused':>7}", end="  "
    )
    print("".join(f"  {part}" for part in PARTS))
    print("\n".join(map(line, rows)))
    return conclude(bars(rows))


if __name__ == "__main__":
    sys.exit(main())
