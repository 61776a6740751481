"""Are our medians those of a hand-written loop? 40 workloads, ratios, alternated, each side in a fresh process.

For every workload and phase: the median over pairs of (ours / bare loop), its range, and the machine's own A/A noise:
how far two successive runs of the same side lie apart, for the bare loop and for us. ``ok``: within 1%. ``noise``: not
within 1%, but within the larger A/A noise. ``OFF``: neither. Exit code 1 when fewer than 95% of the rows are ok or
noise.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from common import Entry, case_of, label, machine, opened, parser

from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.selftest.context import CheckContext, CheckFailed, OurResult, Scope
from cvbench_tui.selftest.figures import aa_noise
from cvbench_tui.selftest.reference import ReferenceFailed, ReferenceResult

BOUND = 0.01
SHARE = 0.95
CUDA_SCALE = 32
"""Batches that fill two cores are far too small for a card."""

WORKLOADS: tuple[Entry, ...] = (
    ("Conv3x3/1", 0, 1), ("Conv5x5/1", 0, 1), ("Conv3x3/2", 0, 1), ("Conv5x5/2", 0, 1),
    ("Dense", 0, 64), ("BatchNorm", 0, 8), ("MaxPool", 0, 8), ("AvgPool", 0, 8),
    ("Conv1x1", 0, 4), ("Conv3x3 middle", 0, 4), ("Conv7x7/2 stem", 0, 2), ("Patch embedding", 0, 4),
    ("Depthwise 3x3", 0, 4), ("Grouped 3x3", 0, 2), ("Transposed 2x2/2", 0, 4), ("BatchNorm 64", 0, 2),
    ("GroupNorm", 0, 2), ("LayerNorm", 0, 8), ("ReLU", 0, 4), ("GELU", 0, 2),
    ("SiLU", 0, 2), ("Hardswish", 0, 8), ("Softmax", 0, 4), ("Linear up", 0, 2),
    ("Linear QKV", 0, 2), ("Self-attention B", 0, 1), ("SDPA B", 0, 4), ("Upsample nearest", 0, 2),
    ("Squeeze-excitation", 0, 8), ("Bottleneck", 0, 1), ("Inverted residual", 0, 4), ("ViT block", 0, 1),
    ("resnet18", 64, 2), ("resnet18", 128, 1), ("vgg11", 64, 1), ("mobilenet_v2", 96, 2),
    ("squeezenet1_1", 128, 2), ("shufflenet_v2_x1_0", 128, 2), ("alexnet", 128, 2), ("efficientnet_b0", 96, 1),
)  # fmt: skip
"""Layers and small models that take 0.1 to 100 ms an iteration on two cores."""


@dataclass(frozen=True)
class Row:
    """One phase of one workload."""

    ratio: float
    noise: float
    """The larger A/A noise of the two sides."""

    @property
    def verdict(self) -> str:
        """ok, noise or OFF."""
        off = abs(self.ratio - 1)
        return "ok" if off <= BOUND else "noise" if off <= self.noise else "OFF"


def compare(name: str, phase: Phase, ours: Sequence[float], loops: Sequence[float]) -> Row:
    """Print one line."""
    ratios = [mine / theirs for mine, theirs in zip(ours, loops, strict=True)]
    mine, theirs = aa_noise(ours), aa_noise(loops)
    row = Row(median(ratios), max(mine, theirs))
    spread = f"{min(ratios):.3f}..{max(ratios):.3f}"
    print(
        f"{name:<26}{phase:<10}{row.ratio:8.4f}  {spread:<14}{100 * theirs:8.2f}%{100 * mine:8.2f}%"
        f"{median(loops) * 1e3:12.4f} ms{len(ratios):6}  {row.verdict}",
        flush=True,
    )
    return row


def pairs(bench: CheckContext, entry: Entry, protocol: Protocol, scale: int) -> list[Row]:
    """Both sides of one workload alternated; a row for each phase, all off when a side gave no numbers."""
    case = case_of(bench, entry, scale)
    sides: dict[str, Callable[[], object]] = {
        "ours": partial(bench.measure, case, protocol),
        "bare": partial(bench.ask, case, "bare"),
    }
    try:
        taken = bench.alternate(sides)
        ours = [one for one in taken["ours"] if isinstance(one, OurResult)]
        loops = [one for one in taken["bare"] if isinstance(one, ReferenceResult)]
        return [
            compare(
                label(entry, scale),
                phase,
                [one.result(phase).median_s for one in ours],
                [one.values_s[phase] for one in loops],
            )
            for phase in PHASES
        ]
    except (CheckFailed, ReferenceFailed) as error:
        print(f"{label(entry, scale):<26}{error}")
        return [Row(math.inf, 0.0) for _ in PHASES]


def conclude(rows: Sequence[Row]) -> int:
    """Print the shares. Returns the exit code."""
    counts = {word: sum(row.verdict == word for row in rows) for word in ("ok", "noise", "OFF")}
    good = (counts["ok"] + counts["noise"]) / len(rows)
    print(f"{len(rows)} rows: {counts['ok']} within 1%, {counts['noise']} within the noise, {counts['OFF']} off")
    print(f"median ratio {median(row.ratio for row in rows):.4f}, ", end="")
    print(f"median noise {100 * median(row.noise for row in rows):.2f}%, good {100 * good:.1f}%")
    return 0 if good >= SHARE else 1


def main() -> int:
    """Alternate both sides and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--quick", action="store_true", help="protocol quick, about 5 minutes")
    arguments.add_argument("--pairs", type=int, default=6, help="most pairs of a workload (default: %(default)s)")
    arguments.add_argument("--minutes", type=float, help="about how long in all (default: 20, with --quick 5)")
    arguments.add_argument("--workloads", type=int, default=len(WORKLOADS), help="only the first so many")
    arguments.add_argument("--scale", type=int, help="factor of every batch (default: 1, on CUDA 32)")
    options = arguments.parse_args()
    chosen = WORKLOADS[: options.workloads]
    minutes = options.minutes or (5 if options.quick else 20)
    protocol = replace(PROTOCOLS["quick" if options.quick else "default"], extras=())
    scale = options.scale or (CUDA_SCALE if options.device.startswith("cuda") else 1)
    scope = Scope(
        pairs=options.pairs, min_pairs=2, limit_s=60 * minutes / len(chosen), loop_s=0.4 if options.quick else 1.0
    )
    rows: list[Row] = []
    with opened(options.device, scope) as bench:
        print(machine(bench))
        print(f"{len(chosen)} workloads, at most {options.pairs} pairs, protocol {protocol.name}")
        print(f"{'workload':<26}{'phase':<10}{'ratio':>8}  {'range':<14}{'A/A bare':>9}{'A/A ours':>9}", end="")
        print(f"{'bare loop':>15}{'pairs':>6}")
        for entry in chosen:
            rows += pairs(bench, entry, protocol, scale)
        print(machine(bench))
    return conclude(rows)


if __name__ == "__main__":
    sys.exit(main())
