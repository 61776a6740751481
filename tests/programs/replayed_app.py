"""The real app over a recorded run: no torch. ``--ascii`` as the command line has it; ``--pause`` seconds an event."""

from __future__ import annotations

import argparse
import sys

from cvbench_tui.cli.app import show_app
from cvbench_tui.results.storage import runs_folder
from tests.replay import ReplaySource
from tests.tui.recorded import GRADED, graded

if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--ascii", action="store_true")
    arguments.add_argument("--pause", type=float, default=0.0)
    options = arguments.parse_args()
    source = ReplaySource(graded(), pause_s=options.pause)
    sys.exit(show_app(source, selection=GRADED, runs_folder=runs_folder(), ascii=options.ascii))
