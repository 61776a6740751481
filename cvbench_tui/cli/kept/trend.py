"""``cvbench-tui trend``: a row's times over the kept runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from cvbench_tui.base.escape import visible
from cvbench_tui.cli.outputs import unfailing_stderr
from cvbench_tui.core.measurement import Phase
from cvbench_tui.results import storage
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.trend.build import trend_of
from cvbench_tui.results.trend.choose import Wish
from cvbench_tui.results.trend.files import check_file, write_file
from cvbench_tui.results.trend.text import chart


def print_trend(wish: Wish, phase: Phase | None, last: int, files: Sequence[str], runs_dir: str | None) -> int:
    """Print the chart, and write it to the files. Returns 0. Raises SelectionError for a row that no run has,
    StoreError for a file that cannot be written."""
    for file in files:
        check_file(Path(file))
    history = History(storage.runs_folder(runs_dir))
    history.refresh()
    trend = trend_of(history, wish, phase, last)
    sys.stdout.write("\n".join(chart(trend, shutil.get_terminal_size().columns)) + "\n")
    with unfailing_stderr():
        for file in files:
            write_file(trend, Path(file))
            print(visible(f"saved {file}"), file=sys.stderr)  # noqa: T201
    return 0
