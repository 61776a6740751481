"""Does the open app cost the measurement anything? A plan of 100 short rows in the real app, against the same without.

The app runs in a pseudo-terminal of 120x40 that is read all the time, with the real worker; the other side drives the
same plan headless. The sides alternate. For every row and phase the median of one side's runs over the other's; printed
is the median of these ratios, with the A/A noise of headless runs among themselves. The bar: at most 1.01 with four or
more cores, 1.05 with two (there the app and the measurement share them). Exit code 1 beyond the bar and the noise.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
from dataclasses import replace
from pathlib import Path
from statistics import median

from sides import parser

from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.results import store
from cvbench_tui.results.statistics import results_of
from cvbench_tui.selftest.busy import usable_cores

COLUMNS, LINES = 120, 40
PROTOCOL = replace(
    PROTOCOLS["quick"], name="ui-cost", budget_s=0.3, warmup_cap_s=0.2, warmup_window_s=0.02, round_s=0.03, extras=()
)
Medians = dict[tuple[str, str], float]
"""Seconds by row and phase."""


def plan(rows: int, device: str) -> Plan:
    """Linear layers of rising width: no two rows alike, a fraction of a millisecond each."""
    widths = [128 + 8 * number for number in range(rows)]
    workloads = [
        Workload("layer", f"Linear {width}", "linear", (width,), (("in_features", width), ("out_features", 512)))
        for width in widths
    ]
    return Plan("ui cost", tuple(Case(workload, device, 32) for workload in workloads), PROTOCOL)


def headless(the_plan: Plan, folder: Path) -> None:
    """The plan as ``cvbench-tui run`` drives it."""
    source = LiveSource()
    try:
        session = Session(source, the_plan)
        with store.create_log(folder, session.run_id) as log:
            for _ in session.run(log):
                pass
    finally:
        source.close()


def app(the_plan: Plan, folder: Path) -> None:
    """The plan in the app, which ends with it."""
    from textual import on

    from cvbench_tui.core.event import RunFinished
    from cvbench_tui.tui import app as app_module
    from cvbench_tui.tui.app import BenchApp
    from cvbench_tui.tui.messages import Probed, RunAdvanced

    class Filling(BenchApp):
        """The app with somebody who presses r at once, and q when the run has ended."""

        CSS_PATH = Path(app_module.__file__).with_name("app.tcss")  # Textual would look beside this file

        @on(Probed)
        def _begin_at_once(self) -> None:
            self.conductor.begin(the_plan)
            self.bench.go_to("results")

        @on(RunAdvanced)
        def _leave_at_the_end(self, event: RunAdvanced) -> None:
            if isinstance(event.event, RunFinished):
                self.exit(0)

    screen = Filling(LiveSource(), runs_folder=folder)
    try:
        screen.run()
    finally:
        screen.conductor.shut_down()
    if screen.return_code:
        raise SystemExit(screen.return_code)


def one_side(side: str, options: argparse.Namespace) -> tuple[Medians, int]:
    """One run in a process of its own. Its medians, and how many bytes it drew."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--side", side, "--folder", folder]
        command += ["--rows", str(options.rows), "--device", options.device]
        drawn = _in_terminal(command) if side == "app" else _plainly(command)
        (file,) = Path(folder).glob("*.jsonl")
        run = store.load(file)
        cases = [case for case in run.plan.cases if case.case_id in run.outcomes]
        medians = {
            (case.workload.name, phase): result.median_s
            for case in cases
            for phase, result in results_of(run, case).items()
        }
        return medians, drawn


def _plainly(command: list[str]) -> int:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return 0


def _in_terminal(command: list[str]) -> int:
    """Run it in a pseudo-terminal, reading what it draws; the bytes drawn."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    drawn, tail = 0, b""
    try:
        while process.poll() is None:
            readable, _, _ = select.select([master], [], [], 0.5)
            if readable:
                piece = os.read(master, 1 << 16)
                drawn, tail = drawn + len(piece), (tail + piece)[-2000:]
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(master)
        if process.wait() != 0:
            raise SystemExit(f"the app ended with code {process.returncode}: {tail.decode(errors='replace')}")
    return drawn


def ratios(over: list[Medians], under: list[Medians]) -> list[float]:
    """For each row and phase that both have: the median of one side's runs over the other's."""
    keys = set.intersection(*(set(run) for run in [*over, *under]))
    return [median(run[key] for run in over) / median(run[key] for run in under) for key in sorted(keys)]


def main() -> int:
    """Alternate both sides and print the ratio."""
    arguments = parser(__doc__)
    arguments.add_argument("--rows", type=int, default=100)
    arguments.add_argument("--pairs", type=int, default=4, help="runs of each side (default: %(default)s)")
    arguments.add_argument("--side", choices=("app", "headless"), help=argparse.SUPPRESS)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.pairs < 2:
        raise SystemExit("The noise of this machine needs two runs of a side at least.")
    if options.side:
        {"app": app, "headless": headless}[options.side](plan(options.rows, options.device), options.folder)
        return 0
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
