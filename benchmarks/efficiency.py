"""How much of the time is spent on the number? For each row, by the default protocol:

    E_busy  seconds in which the workload was executing / wall seconds of the case (bar: 0.9)
    E_used  seconds of the samples that enter the result / the same wall seconds   (bar: 0.6)
    fused   an iteration that gives forward, backward and total / one that gives total alone (bar: at most 1.1)

The wall seconds of a case run from its request to its result, building the module included. The bars are for iterations
of a millisecond and more; shorter rows are printed and not judged. Exit code 1 when a median misses its bar.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from common import Entry, case_of, label, machine, opened, parser

from cvbench_tui.core.evidence import PassRecord
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.core.stats.stop_rule import counted
from cvbench_tui.selftest.context import CheckFailed, OurResult, Scope

WORKLOADS: tuple[Entry, ...] = (
    ("Conv3x3/1", 0, 1), ("Conv3x3 middle", 0, 4), ("Dense", 0, 64), ("BatchNorm 64", 0, 2), ("MaxPool 64", 0, 2),
    ("LayerNorm", 0, 8), ("SDPA B", 0, 2), ("Bottleneck", 0, 1), ("resnet18", 64, 2), ("vgg11", 64, 1),
    ("mobilenet_v2", 96, 1), ("squeezenet1_1", 128, 1),
)  # fmt: skip
JUDGED_FROM_S = 1e-3
CUDA_SCALE = 32


@dataclass(frozen=True)
class Row:
    """The three shares of one case."""

    iteration_s: float
    busy: float
    used: float
    fused: float | None
    """None where total alone was not measured."""


def used_s(record: PassRecord) -> float:
    """Seconds of the samples that enter the result; rounds set aside do not."""
    flags = counted(record.evidence, PROTOCOLS["default"].max_repeats)
    return sum(evidence.timed_s for evidence, counts in zip(record.evidence, flags, strict=True) if counts)


def row_of(plain: OurResult, alone: OurResult) -> Row:
    """Shares from a run without extras, the price of the marks from one with ``alone``."""
    measurement = plain.measurement
    variant = alone.measurement.variant("alone", "total")
    found = estimate([variant.rounds]) if variant else None
    return Row(
        plain.result("total").median_s,
        sum(record.busy_s for record in measurement.passes) / measurement.wall_s,
        sum(used_s(record) for record in measurement.passes) / measurement.wall_s,
        alone.result("total").median_s / found.median_s if found else None,
    )


def conclude(rows: Sequence[Row]) -> int:
    """Medians over the rows that are judged. Returns the exit code."""
    judged = [row for row in rows if row.iteration_s >= JUDGED_FROM_S]
    if not judged:
        print("no row is long enough to be judged")
        return 1
    busy, used = median(row.busy for row in judged), median(row.used for row in judged)
    fused = median([row.fused for row in judged if row.fused is not None] or [float("nan")])
    print(f"median of {len(judged)} rows of 1 ms and more: E_busy {busy:.3f}, E_used {used:.3f}, fused {fused:.3f}")
    return int(busy < 0.9 or used < 0.6 or not fused <= 1.1)


def main() -> int:
    """Measure every row twice and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--protocol", default="default", choices=("quick", "default"))
    arguments.add_argument("--workloads", type=int, default=len(WORKLOADS), help="only the first so many")
    options = arguments.parse_args()
    protocol = replace(PROTOCOLS[options.protocol], extras=())
    scale = CUDA_SCALE if options.device.startswith("cuda") else 1
    rows: list[Row] = []
    with opened(options.device, Scope()) as bench:
        print(machine(bench))
        print(
            f"{'workload':<24}{'iteration':>14}{'wall':>9}{'E_busy':>9}{'E_used':>9}{'fused':>9}  stop, grade of total"
        )
        for entry in WORKLOADS[: options.workloads]:
            case = case_of(bench, entry, scale)
            try:
                plain = bench.measure(case, protocol)
                alone = bench.measure(case, replace(protocol, passes=("training",), extras=("alone",)))
                row = row_of(plain, alone)
            except CheckFailed as error:
                print(f"{label(entry, scale):<24}{error}")
                continue
            rows.append(row)
            total = plain.measurement.phase("total")
            print(
                f"{label(entry, scale):<24}{row.iteration_s * 1e3:11.4f} ms{plain.measurement.wall_s:7.2f} s"
                f"{row.busy:9.3f}{row.used:9.3f}{'-' if row.fused is None else format(row.fused, '.3f'):>9}"
                f"  {total.stop if total else '-'}, {plain.result('total').grade}",
                flush=True,
            )
        print(machine(bench))
    return conclude(rows)


if __name__ == "__main__":
    sys.exit(main())
