"""``cvbench-tui selftest``: the checks one after the other; the table on stdout, what is going on on stderr."""

from __future__ import annotations

import os
import shutil
import sys
import time

from cvbench_tui.catalog.selection import devices_of
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.results.text.units import duration_text
from cvbench_tui.selftest.checks import CHECKS, lines_of
from cvbench_tui.selftest.context import THOROUGH, CheckContext, Scope
from cvbench_tui.selftest.reference import Reference
from cvbench_tui.selftest.report import as_json as json_of
from cvbench_tui.selftest.report import summary, table
from cvbench_tui.selftest.verdict import VerdictLine, exit_code

WIDE = 200
"""Columns of a table that nobody looks at on a terminal."""


def selftest(*, device: str | None = None, thorough: bool = False, as_json: bool = False) -> int:
    """Run every check on ``device`` (the first accelerator when None) and print the table. Returns the exit code.

    Raises SelectionError for a device that cannot be used, WorkerError when no worker can be had.
    """
    started = time.monotonic()
    source, reference = LiveSource(), Reference()
    try:
        _say("starting the measuring process ...")
        environment = source.probe()
        chosen = _chosen(environment, device)
        threads = int(environment.fact("threads") or 1)
        context = CheckContext(source, reference, environment, chosen.id, threads, THOROUGH if thorough else Scope())
        header = _machine(environment, chosen, threads)
        _say(header)
        lines = _run(context)
    finally:
        source.close()
        reference.close()
    took = f"{summary(lines)}, in {duration_text(time.monotonic() - started)}, {header}"
    if as_json:
        sys.stdout.write(json_of(lines, _facts(environment, chosen, threads, time.monotonic() - started)))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
        sys.stdout.write(f"{table(lines, width)}{took}\n")
    return exit_code(lines)


def _run(context: CheckContext) -> list[VerdictLine]:
    """All lines, telling which check is being made."""
    lines: list[VerdictLine] = []
    for number, (title, check) in enumerate(CHECKS, start=1):
        _say(f"[{number}/{len(CHECKS)}] {title} ...")
        for line in lines_of(title, check, context):
            lines.append(line)
            _say(f"  {line.verdict}: {line.check}, {line.compared}: {line.figure}")
    return lines


def _chosen(environment: Environment, device: str | None) -> Device:
    """The device asked for, or the preferred one. Raises SelectionError when it cannot be used."""
    (chosen,) = devices_of(None if device is None else (device,), environment)
    found = environment.device(chosen)
    assert found is not None, "what can be chosen is there"
    return found


def _machine(environment: Environment, device: Device, threads: int) -> str:
    """Where this was run, in one line."""
    words = f"{device.id}: {device.name}, {threads} threads, torch {environment.version('torch')}"
    return f"{words}, load {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else words


def _facts(environment: Environment, device: Device, threads: int, seconds: float) -> dict[str, object]:
    """The machine for the JSON output."""
    return {
        "device": device.id,
        "name": device.name,
        "threads": threads,
        "torch": environment.version("torch"),
        "identity_hash": environment.identity_hash,
        "seconds": round(seconds, 1),
    }


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201
