"""The command line on a worker without torch: MODE of tests/engine/workers/fake.py, its MARK, then the arguments."""

import sys
from pathlib import Path

from cvbench_tui.cli import main, run
from cvbench_tui.engine.live import LiveSource

FAKE = Path(__file__).parents[1] / "engine" / "workers" / "fake.py"
mode, mark, *arguments = sys.argv[1:]
command = (sys.executable, str(FAKE), mode, mark)
run.live_source = lambda *_, **__: LiveSource(command)
sys.argv = ["cvbench-tui", *arguments]
main.main()
