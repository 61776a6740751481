"""The folder of runs: where it is, run files, their index, earlier times, measured peaks.

Light: the app asks where it is before its first frame.
"""

from __future__ import annotations

import os
from pathlib import Path

SUFFIX = ".jsonl"  # of a run file
NEWEST = "last"  # as a reference: the run whose file was written last; ``last~1`` is the one before
PUBLISHED = "published-"  # begins the names of runs that ship with the program and have no file in the folder
FOLDER_VARIABLE = "CVBENCH_RUNS_DIR"  # environment variable that names the folder of runs


def runs_folder(override: str | None = None) -> Path:
    """Where runs are kept: the argument, else ``CVBENCH_RUNS_DIR``, else the user's data folder. Creates nothing."""
    named = override or os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(os.path.expanduser(named))
    import platformdirs

    return Path(platformdirs.user_data_dir("cvbench-tui", appauthor=False)) / "runs"
