"""``cvbench-tui serve``: the command line of the app for each page, and the start of the server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cvbench_tui.errors import CvbenchError
from cvbench_tui.serve.gate import Gate, listen, url

EXTRA = "textual-serve"


def app_command(preset: str | None, runs_dir: str | None, *, ascii: bool = False) -> tuple[str, ...]:  # noqa: A002
    """Command line of the app for each page. Raises PresetError for a preset that cannot be used."""
    if preset:
        from cvbench_tui.catalog.presets import load_preset

        load_preset(preset)
    options = (["--runs-dir", str(Path(runs_dir).expanduser().absolute())] if runs_dir else []) + ["--ascii"] * ascii
    return (sys.executable, "-m", "cvbench_tui", "tui", *options, *(["--", preset] if preset else []))


def serve_command(command: Sequence[str], *, host: str, port: int, expose: bool = False) -> int:
    """Serve that program, one process for each page, until Ctrl-C. Returns the exit code. Raises CvbenchError when
    textual-serve is missing, or when it may not or cannot listen there."""
    try:
        from cvbench_tui.serve.server import serve_on
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("textual_serve", "aiohttp", "aiohttp_jinja2", "jinja2"):
            raise
        raise CvbenchError(
            f"Serving needs {EXTRA}, which is not installed.", f"{sys.executable} -m pip install {EXTRA}"
        ) from error
    with listen(host, port, expose=expose) as listening:
        serve_on(listening, command, Gate(host, expose), url(host, listening))
    return 0
