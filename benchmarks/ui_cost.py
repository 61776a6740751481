"""Does the open app cost the measurement anything? A plan of short rows in the real app, against the same without.

The app runs in a pseudo-terminal of 120x40 that is read all the time, by its command line and its keys; the other side
is ``cvbench-tui run``. The sides alternate. For every row and phase the median of one side's runs over the other's;
printed is the median of these ratios, with the A/A noise of headless runs among themselves. The bar: at most 1.01 with
four or more cores, 1.05 with two (there the app and the measurement share them). Exit code 1 beyond bar and noise.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from app_idle import CLI, DRAWN, home
from common import parser
from terminal_session import TerminalSession

from cvbench_tui.base.cores import usable_cores
from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.core.measurement import Phase
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.storage import run_file

RUN_S = 1800.0
Medians = dict[tuple[str, Phase], float]
"""Seconds by row and phase."""


def one_side(side: str, options: argparse.Namespace) -> tuple[Medians, int]:
    """One run in a process of its own. Its medians, and how many bytes it drew."""
    with home() as environment:
        folder = Path(environment["CVBENCH_RUNS_DIR"])
        preset = folder.with_name("plan.toml")
        layers = json.dumps([entry.name for entry in LAYERS[: options.rows]])
        preset.write_text(f'layers = {layers}\ndevices = ["{options.device}"]\nbatch = 1\nprotocol = "quick"\n')
        drawn = (_app if side == "app" else _headless)(str(preset), environment)
        (file,) = folder.glob("*.jsonl")
        run = run_file.load(file)
        cases = [case for case in run.plan.cases if case.case_id in run.outcomes]
        medians = {
            (case.workload.name, phase): result.median_s
            for case in cases
            for phase, result in row_data(run, case).phases.items()
            if result.median_s is not None
        }
        return medians, drawn


def _headless(preset: str, environment: dict[str, str]) -> int:
    """As the command line measures it."""
    settings = {**os.environ, **environment}
    command = [*CLI, "run", preset, "--quiet"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=settings)
    return 0


def _app(preset: str, environment: dict[str, str]) -> int:
    """As the app does, with somebody who presses r at once, and q when the run has ended; the bytes drawn."""
    with TerminalSession([*CLI, "tui", preset], environment) as session:
        session.wait_for(*DRAWN)
        began = session.send("r")
        session.wait_for("finished:", since=began, within_s=RUN_S)
        session.send("q")
        session.wait_end()
        return session.bytes_since()


def ratios(over: list[Medians], under: list[Medians]) -> list[float]:
    """For each row and phase that both have: the median of one side's runs over the other's."""
    keys = set.intersection(*(set(run) for run in [*over, *under]))
    return [median(run[key] for run in over) / median(run[key] for run in under) for key in sorted(keys)]


def main() -> int:
    """Alternate both sides and print the ratio."""
    arguments = parser(__doc__)
    arguments.add_argument("--rows", type=int, default=30, help="layers of the catalog (default: %(default)s)")
    arguments.add_argument("--pairs", type=int, default=4, help="runs of each side (default: %(default)s)")
    options = arguments.parse_args()
    if options.pairs < 2:
        raise SystemExit("The noise of this machine needs two runs of a side at least.")
    taken: dict[str, list[Medians]] = {"app": [], "headless": []}
    for number in range(options.pairs):
        for side in ("app", "headless") if number % 2 == 0 else ("headless", "app"):
            medians, drawn = one_side(side, options)
            taken[side].append(medians)
            said = f", {drawn / 1000:.0f} kB drawn" if side == "app" else ""
            print(f"pair {number + 1}: {side}, {len(medians)} numbers{said}, load {os.getloadavg()[0]:.2f}", flush=True)
    found = median(ratios(taken["app"], taken["headless"]))
    half = options.pairs // 2
    noise = abs(median(ratios(taken["headless"][:half], taken["headless"][half:])) - 1)
    bar = 1.01 if usable_cores() >= 4 else 1.05
    print(f"{usable_cores()} cores: app / headless {found:.4f} (bar {bar}), headless / headless {1 + noise:.4f}")
    return int(found > bar and found - 1 > noise)


if __name__ == "__main__":
    sys.exit(main())
