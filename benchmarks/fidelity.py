"""Are our medians those of a hand-written loop? Ratios, alternated, each side in a fresh process.

    python benchmarks/fidelity.py [--device cpu] [--batch 8] [--pairs 6] [--protocol default]

For every workload and phase: the median over pairs of (ours / bare loop) with the 95% t-interval of its logarithm,
and beside it the machine's own noise: how far bare loops of the same run lie from their own median (median absolute
deviation). ``ok``: within 1%. ``OFF``: the whole interval lies beyond 1%; then the exit code is 1. ``noisy``: neither
can be said on this machine at this hour.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.estimate import estimate, half_width
from cvbench_tui.core.event import CaseFinished
from cvbench_tui.core.measurement import PHASES
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.live import LiveSource

BARE_LOOP = Path(__file__).with_name("bare_loop.py")
WORKLOADS = ("Conv3x3/1", "BatchNorm", "Dense", "resnet18")
BOUND = 0.01
BARE_S = 1.5
"""Seconds the bare loop times each mode: about what the default protocol takes."""

Medians = dict[str, float]


def ours(source: LiveSource, name: str, device: str, batch: int, protocol: str) -> Medians:
    """Medians by phase of one case measured by the worker."""
    entry = find_model(name) if name == "resnet18" else find_layer(name)
    case = Case(entry.workload, device, batch)
    for event in source.events(Plan("fidelity", (case,), PROTOCOLS[protocol])):
        if isinstance(event, CaseFinished):
            found = {phase: estimate(event.measurement.rounds_by_process(phase)) for phase in PHASES}
            return {phase: value.median_s for phase, value in found.items() if value}
    raise SystemExit(f"{name} was not measured")


def bare(name: str, device: str, batch: int, threads: int) -> Medians:
    """Medians by phase of the hand-written loop in a fresh process."""
    command = [sys.executable, str(BARE_LOOP), name, device, str(batch), str(threads), str(BARE_S)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def pairs(source: LiveSource, name: str, options: argparse.Namespace) -> tuple[list[Medians], list[Medians]]:
    """Both sides, alternating which goes first."""
    mine: list[Medians] = []
    loops: list[Medians] = []
    threads = int(source.probe().fact("threads") or 1)
    sides = [
        lambda: mine.append(ours(source, name, options.device, options.batch, options.protocol)),
        lambda: loops.append(bare(name, options.device, options.batch, threads)),
    ]
    for _ in range(options.pairs):
        for side in sides:
            side()
        sides.reverse()
    return mine, loops


def compare(name: str, ratios: Sequence[float], loops: Sequence[float], phase: str) -> bool:
    """Print one line; False when the ratio is surely off by more than the bound."""
    centre = median(loops)
    noise = median(abs(value / centre - 1) for value in loops)
    logs = [math.log(value) for value in ratios]
    ratio, width = median(ratios), half_width(logs) or math.inf
    off = abs(fmean(logs)) - width > math.log1p(BOUND)
    verdict = "ok" if abs(ratio - 1) <= BOUND else "OFF" if off else "noisy"
    spread = f"{min(ratios):.3f}..{max(ratios):.3f}"
    print(f"{name:<12}{phase:<11}{ratio:8.4f}   {spread:<16}{100 * noise:7.2f}%   {centre * 1e3:10.4f} ms   {verdict}")
    return verdict != "OFF"


def machine(environment: Environment, device: str) -> str:
    """The machine in one line: how noisy it was is in the table."""
    found = environment.device(device)
    load = os.getloadavg()[0]
    return f"{found.name if found else device}, torch {environment.version('torch')}, load {load:.2f}"


def main() -> int:
    """Alternate both sides and print the table. 0 when no ratio is surely off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--protocol", default="default", choices=("quick", "default"))
    options = parser.parse_args()
    source = LiveSource()
    good = True
    try:
        print(machine(source.probe(), options.device))
        print(f"batch {options.batch}, {options.pairs} pairs, protocol {options.protocol}")
        print(f"{'workload':<12}{'phase':<11}{'ratio':>8}   {'range':<16}{'noise':>8}   {'bare loop':>13}")
        for name in WORKLOADS:
            mine, loops = pairs(source, name, options)
            for phase in PHASES:
                ratios = [a[phase] / b[phase] for a, b in zip(mine, loops, strict=True)]
                good &= compare(name, ratios, [loop[phase] for loop in loops], phase)
    finally:
        source.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
