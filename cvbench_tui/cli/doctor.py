"""``cvbench-tui doctor``: versions, terminal, folders, devices, and warnings about the machine.

Leaves nothing behind: a runs folder that does not exist yet is made, written to and taken away again.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib import metadata
from itertools import zip_longest
from pathlib import Path

from rich.console import Console

from cvbench_tui import __version__
from cvbench_tui.base.cells import cell_len
from cvbench_tui.base.escape import visible
from cvbench_tui.cli.run import live_source
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import GROUPS, IDENTITY, environment_id, kind_name, kind_of
from cvbench_tui.errors import WorkerError, os_reason
from cvbench_tui.results.machine_warnings import machine_warnings
from cvbench_tui.results.storage import runs_folder
from cvbench_tui.results.text.fact_text import fact_text, label
from cvbench_tui.results.text.units import MISSING, bytes_text
from cvbench_tui.terminal import look, why_no_app

MIN_TERMINAL = (80, 24)
PACKAGES = ("textual", "rich", "pydantic", "click", "psutil", "nvidia-ml-py")
SERVE_PACKAGE = "textual-serve"
VARIABLES = (
    "TERM", "COLORTERM", "NO_COLOR", "TEXTUAL_ANIMATIONS", "LC_ALL", "LC_CTYPE", "LANG", "TMUX", "STY",
    "SSH_CONNECTION",
)  # fmt: skip
"""Environment variables that change how the app draws."""
LABEL = 28  # columns of a label, with the space behind it
MARK = "*"
IDENTITY_HELP = (
    f"of the versions, the device and every fact with a {MARK}; rows of the same ID can be compared "
    "(docs/environment.md says why)"
)

Lines = Iterable[tuple[str, str]]


def report(runs_dir: str | None) -> int:
    """Print the report. Returns 0, or 1 when nothing can be measured on this machine."""
    _print("Program", _program())
    _print("Terminal", _terminal())
    _print("Files", _files(runs_folder(runs_dir)))
    try:
        with closing(live_source(runs_dir)) as source:
            environment = source.probe()
    except WorkerError as error:
        _print("Devices", [("problem", error.message), ("what to do", error.hint)])
        return 1
    _print("Frameworks", environment.versions)
    _print("Devices", _devices(environment))
    for title, facts in _sections(environment).items():
        _print(title, facts)
    identities = [(each.id, environment_id(environment, each.id) or MISSING) for each in environment.usable]
    _print("Environment ID", [*identities, ("", IDENTITY_HELP)])
    _print("Warnings", _warnings(environment))
    return 0


def _print(title: str, lines: Lines) -> None:
    """Print a section, wrapped between words at the terminal's width."""
    sys.stdout.write(f"{title}\n")
    width = max(MIN_TERMINAL[0], shutil.get_terminal_size().columns) - 1
    for name, text in lines:
        pieces = textwrap.wrap(visible(text), width - LABEL - 2, break_long_words=False, break_on_hyphens=False) or [""]
        if cell_len(name) >= LABEL:  # a long name has a line of its own
            pieces.insert(0, "")
        for words, piece in zip_longest([name], pieces, fillvalue=""):
            sys.stdout.write(f"  {words}{' ' * (LABEL - cell_len(words))}{piece}".rstrip() + "\n")
    sys.stdout.flush()


def _version(package: str) -> str | None:
    return next((found.version for found in metadata.distributions(name=package)), None)


def _program() -> Lines:
    yield "cvbench-tui", __version__
    yield "python", f"{platform.python_version()} ({sys.executable})"
    for package in PACKAGES:
        yield package, _version(package) or f"missing: pip install {package}"
    serve = _version(SERVE_PACKAGE)
    missing = f"not installed; cvbench-tui serve needs it: pip install {SERVE_PACKAGE}"
    yield SERVE_PACKAGE, f"{serve}, for cvbench-tui serve" if serve else missing


def _terminal() -> Lines:
    size = shutil.get_terminal_size()
    small = size.columns < MIN_TERMINAL[0] or size.lines < MIN_TERMINAL[1]
    hint = f"  smaller than {MIN_TERMINAL[0]}x{MIN_TERMINAL[1]}: enlarge it for the app" if small else ""
    yield "size", f"{size.columns}x{size.lines}{hint}"
    terminal = look(os.environ, encoding=sys.stdout.encoding)
    through = f" through {terminal.multiplexer}" if terminal.multiplexer else ""
    sequence = f"the terminal's escape sequence (OSC 52){through}"
    clipboard = (
        f"{sequence}, because of SSH" if terminal.remote else f"this machine's clipboard program, and {sequence}"
    )
    yield "colours", Console().color_system or "none (not a terminal, or NO_COLOR)"
    yield "characters", "ASCII only, by locale or encoding" if terminal.ascii else "Unicode; --ascii for ASCII only"
    yield "clipboard", f"{clipboard}; saving to a file always works"
    yield "the app", why_no_app() or "can run here"
    for name in VARIABLES:
        if name in os.environ:
            yield name, visible(os.environ[name])
    yield "encoding", sys.stdout.encoding


def _files(folder: Path) -> Lines:
    yield "runs", str(folder)
    try:
        with _made(folder), tempfile.TemporaryFile(dir=folder):
            yield "runs folder", f"writable, {bytes_text(shutil.disk_usage(folder).free)} free"
    except OSError as error:
        why = os_reason(error)
        yield "runs folder", f"not writable ({why}): name another with --runs-dir or CVBENCH_RUNS_DIR"
    yield "markdown is saved in", str(Path.cwd())


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """The folder, for as long as it is asked about: what of it was not there is taken away again. Raises OSError where
    it cannot be made, as a run would find."""
    missing = []
    for each in (folder, *folder.parents):
        if os.path.lexists(each):
            break
        missing.append(each)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for each in missing:
            with suppress(OSError):  # it was never made, or a run has begun in it
                each.rmdir()


def _devices(environment: Environment) -> Lines:
    for device in environment.devices:
        words = (device.name, bytes_text(device.memory_bytes), device.detail, device.uuid)
        known = ", ".join(word for word in words if word)
        yield device.id, known if device.available else f"not available: {device.reason}"


def _sections(environment: Environment) -> dict[str, list[tuple[str, str]]]:
    """Facts by group, in their order, each card a group of its own; a fact of the identity has a mark."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for name, value in environment.facts:
        kind = kind_of(name)
        title = GROUPS[kind.group] if kind else "Other facts"
        words = label(name)
        if kind is not None and kind.group == "card":
            title, words = f"Card {name.split('.')[0]}", label(name.split(".", 1)[1])
        mark = MARK if kind_name(name) in IDENTITY else " "
        sections.setdefault(title, []).append((f"{mark} {words}", fact_text(name, value)))
    return sections


def _warnings(environment: Environment) -> Lines:
    """Each warning with its remedy; one of little effect is a note."""
    warnings = machine_warnings(environment)
    if not warnings:
        yield "none", "as far as this system reports; cvbench-tui selftest checks it"
    for warning in warnings:
        yield "note" if warning.note else "problem", warning.sentence
        yield "  what to do", warning.remedy
