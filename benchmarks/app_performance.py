"""The app's bars, each as a measurement in a terminal of 120x40, beside bare Textual in the same run.

``--only NAME`` takes one, ``--list`` names them. Repeats alternate with those of the other side; printed are median,
smallest and largest. ``met``, ``missed``: no repeat reached the bar; ``noisy``: some did, the median did not, and a
quieter machine has to decide. Exit code 1 when a bar is missed. Ratios hold elsewhere, times are this machine's.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator

import app_idle
import app_run
from metric import Metric

from cvbench_tui.base.cores import usable_cores

BARS: dict[str, Callable[[argparse.Namespace], Iterator[Metric]]] = {
    "frame": app_idle.first_frame,
    "help": app_idle.command_line,
    "memory": app_idle.memory,
    "idle": app_idle.idle,
    "run": app_run.running,
    "replay": app_run.replayed,
    "keys": app_idle.keys,
    "rows": app_run.many_rows,
    "quit": app_run.quitting,
    "cancel": app_run.cancelling,
    "line": app_run.whole_run,
}


def main() -> int:
    """Take the bars and print them."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", action="append", choices=[*BARS], help="only this one; may be repeated")
    arguments.add_argument("--list", action="store_true", help="name them")
    arguments.add_argument("--repeats", type=int, default=5, help="of each side (default: %(default)s)")
    arguments.add_argument("--seconds", type=float, default=20, help="of idling and of a run (default: %(default)s)")
    options = arguments.parse_args()
    if options.list:
        print(*BARS, sep="\n")
        return 0
    if not sys.platform.startswith("linux"):
        raise SystemExit("needs /proc")
    missed = 0
    for name in options.only or BARS:
        print(f"{name}: {usable_cores()} cores, load {os.getloadavg()[0]:.2f}", flush=True)
        try:
            for figure in BARS[name](options):
                missed += figure.verdict == "missed"
                print("  " + figure.line(), flush=True)
        except SystemExit as stop:
            missed += 1
            print(f"  missed  {stop}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
