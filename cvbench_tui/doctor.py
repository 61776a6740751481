"""``cvbench-tui doctor``: what is installed, what each device offers, what the terminal can do, where files go.

Changes nothing on the machine; a folder that does not exist yet is judged by its nearest parent.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from rich.console import Console

from cvbench_tui import __version__
from cvbench_tui.core.environment import Environment
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.errors import WorkerError
from cvbench_tui.results.store import runs_folder
from cvbench_tui.results.units import bytes_text

SMALLEST = (80, 24)
PACKAGES = ("textual", "rich", "pydantic", "click", "psutil", "nvidia-ml-py")
NOT_FACTS = ("host", "platform")

Lines = Iterator[tuple[str, str]]


def report(runs_dir: str | None) -> int:
    """Print the report. Returns 0, or 1 when nothing could be measured on this machine."""
    _print("Program", _program())
    _print("Terminal", _terminal())
    _print("Files", _files(runs_folder(runs_dir)))
    source = LiveSource()
    try:
        environment = source.probe()
    except WorkerError as error:
        _print("Devices", iter([("problem", error.message), ("what to do", error.hint)]))
        return 1
    finally:
        source.close()
    _print("Frameworks", iter(environment.versions))
    _print("Devices", _devices(environment))
    _print("Machine", _facts(environment))
    return 0


def _print(title: str, lines: Lines) -> None:
    """One section on stdout."""
    sys.stdout.write(f"{title}\n")
    for label, text in lines:
        sys.stdout.write(f"  {label:<24}{text}\n")
    sys.stdout.flush()


def _program() -> Lines:
    yield "cvbench-tui", __version__
    yield "python", f"{platform.python_version()} ({sys.executable})"
    for package in PACKAGES:
        try:
            yield package, metadata.version(package)
        except metadata.PackageNotFoundError:
            yield package, "missing: pip install " + package


def _terminal() -> Lines:
    size = shutil.get_terminal_size()
    small = size.columns < SMALLEST[0] or size.lines < SMALLEST[1]
    hint = f"  smaller than {SMALLEST[0]}x{SMALLEST[1]}: enlarge it for the app" if small else ""
    yield "size", f"{size.columns}x{size.lines}{hint}"
    yield "colours", Console().color_system or "none (not a terminal, or NO_COLOR)"
    for name in ("TERM", "COLORTERM", "NO_COLOR", "LANG", "TMUX", "SSH_CONNECTION"):
        if name in os.environ:
            yield name, os.environ[name]
    yield "encoding", sys.stdout.encoding


def _files(folder: Path) -> Lines:
    yield "runs", str(folder)
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if os.access(existing, os.W_OK):
        yield "runs folder", f"writable, {bytes_text(shutil.disk_usage(existing).free)} free"
    else:
        yield "runs folder", "not writable: name another with --runs-dir or CVBENCH_RUNS_DIR"
    yield "markdown is saved in", str(Path.cwd())


def _devices(environment: Environment) -> Lines:
    for device in environment.devices:
        if device.available:
            words = [device.name, bytes_text(device.memory_bytes), device.detail, device.uuid or ""]
            yield device.id, ", ".join(word for word in words if word)
        else:
            yield device.id, f"not available: {device.reason}"


def _facts(environment: Environment) -> Lines:
    for name, value in environment.facts:
        if name.endswith("_bytes") and isinstance(value, int):
            yield name.removesuffix("_bytes"), bytes_text(value)
        else:
            yield name, "-" if value is None else str(value)
