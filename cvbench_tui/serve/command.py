"""``cvbench-tui serve``: the command line of the app for each page, and the start of the server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cvbench_tui.errors import CvbenchError
from cvbench_tui.serve.gate import Gate, listen, url

EXTRA = "textual-serve"
MAX_PAGES = 8  # at a time: an app and its worker with PyTorch have up to 745 MB together
OLDER_MODULE = ("-c", "import sys, runpy; sys.path.remove(''); runpy._run_module_as_main('cvbench_tui')")
MODULE = ("-m", "cvbench_tui") if sys.version_info >= (3, 11) else OLDER_MODULE
"""The app without the current folder on the path, where a ``random.py`` would run as the server's user. Before Python
3.11 there is no PYTHONSAFEPATH, which the server sets for its pages: the folder is taken off before anything else."""


def app_command(preset: str | None, runs_dir: str | None, *, ascii: bool = False) -> tuple[str, ...]:  # noqa: A002
    """Command line of the app for each page. Raises PresetError for a preset that cannot be used."""
    if preset:
        from cvbench_tui.catalog.presets import load_preset

        load_preset(preset)
    options = (["--runs-dir", str(Path(runs_dir).expanduser().absolute())] if runs_dir else []) + ["--ascii"] * ascii
    return (sys.executable, *MODULE, "tui", *options, *(["--", preset] if preset else []))


def serve_command(
    command: Sequence[str], *, host: str, port: int, expose: bool = False, max_pages: int = MAX_PAGES
) -> int:
    """Serve that program, one process for each page, until a signal. Returns the exit code, 128 and the signal's
    number. Raises CvbenchError when textual-serve is missing, or when it may not or cannot listen there."""
    try:
        from cvbench_tui.serve.server import serve_on
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("textual_serve", "aiohttp", "aiohttp_jinja2", "jinja2"):
            raise
        raise CvbenchError(
            f"Serving needs {EXTRA}, which is not installed.", f"{sys.executable} -m pip install {EXTRA}"
        ) from error
    with listen(host, port, expose=expose) as listening:
        return 128 + serve_on(listening, command, Gate(host, expose), url(host, listening), max_pages)
