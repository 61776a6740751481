"""``cvbench-tui selftest``: the checks one after the other; the table on stdout, what is going on on stderr."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence

from cvbench_tui.catalog.selection import check_device_name, devices_of
from cvbench_tui.core.environment import CPU_INSTEAD
from cvbench_tui.core.facts import identity_hash
from cvbench_tui.core.text import plural
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.results.text.units import duration_text
from cvbench_tui.selftest.checks import CHECKS, lines_of
from cvbench_tui.selftest.context import CheckContext, Scope
from cvbench_tui.selftest.reference import Reference
from cvbench_tui.selftest.verdict import VerdictLine, closing, exit_code

HEADINGS = ("verdict", "check", "compared", "figure", "noise")
WIDE = 100  # columns of the output in a file or a pipe


def selftest(*, device: str | None = None, scope: Scope | None = None, as_json: bool = False) -> int:
    """Run every check on ``device`` (the first accelerator when None) and print the table. Returns the exit code.
    Raises SelectionError for a device that cannot be used, WorkerError when no worker can be had."""
    started = time.monotonic()
    cpu_only = device is not None and check_device_name(device) == "cpu"
    source, reference = LiveSource(cpu_only=cpu_only), Reference(no_driver=cpu_only)
    lines: list[VerdictLine] = []
    try:
        _say("starting the measuring process ...")
        environment = source.probe()
        (name,) = devices_of(None if device is None else (device,), environment)
        chosen = environment.device(name)
        assert chosen is not None, "what can be chosen is there"
        threads, torch = int(environment.fact("threads") or 1), environment.version("torch")
        machine = f"{chosen.id}: {chosen.name}, {plural(threads, 'thread')}, torch {torch}"
        if hasattr(os, "getloadavg"):
            machine = f"{machine}, load {os.getloadavg()[0]:.2f}"
        if device is None and chosen.is_cpu and environment.why_no_accelerator:
            reference.no_driver = True
            _say(f"{CPU_INSTEAD}: {environment.why_no_accelerator}")
        _say(machine)
        context = CheckContext(source, reference, environment, chosen.id, threads, scope or Scope())
        for number, (title, check) in enumerate(CHECKS, start=1):
            _say(f"[{number}/{len(CHECKS)}] {title} ...")
            for line in lines_of(title, check, context):
                lines.append(line)
                _say(f"  {line.verdict}: {line.check}, {line.compared}: {line.figure}")
    finally:
        source.close()
        reference.close()
    seconds = time.monotonic() - started
    if as_json:
        facts: dict[str, object] = {"device": chosen.id, "name": chosen.name, "threads": threads, "torch": torch}
        facts |= {"identity_hash": identity_hash(environment, chosen.id), "seconds": round(seconds, 1)}
        sys.stdout.write(json_text(lines, facts))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
        last = (f"{summary(lines)}, in {duration_text(seconds)}", machine, closing(lines))
        sys.stdout.write(table(lines, width) + "".join(f"{textwrap.fill(text, width)}\n" for text in last))
    return exit_code(lines)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201


def table(lines: Sequence[VerdictLine], width: int) -> str:
    """A row for each line, its sentence behind it, or below it where ``width`` columns do not hold both."""
    rows = [HEADINGS, *((line.verdict, line.check, line.compared, line.figure, line.noise) for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    heading, *cells = ["  ".join(text.ljust(size) for text, size in zip(row, widths, strict=True)) for row in rows]
    sentences = [line.sentence for line in lines]
    if max((len(row) + 2 + len(words) for row, words in zip(cells, sentences, strict=True)), default=0) <= width:
        written = [f"{row}  {words}" for row, words in zip(cells, sentences, strict=True)]
    else:
        indent = " " * (widths[0] + 2)
        below = [textwrap.fill(words, width, initial_indent=indent, subsequent_indent=indent) for words in sentences]
        written = [f"{row.rstrip()}\n{words}" for row, words in zip(cells, below, strict=True)]
    return "\n".join([heading.rstrip(), *written]) + "\n"


def summary(lines: Sequence[VerdictLine]) -> str:
    """``14 passed, 2 undecided, none failed``."""
    counts = {word: sum(line.verdict == word for line in lines) for word in ("pass", "undecided", "FAIL")}
    failed = counts["FAIL"] or "none"
    return f"{counts['pass']} passed, {counts['undecided']} undecided, {failed} failed"


def json_text(lines: Sequence[VerdictLine], facts: dict[str, object]) -> str:
    """One object: the machine's facts, the lines with their figures, and whether one failed."""
    plain = [{**dataclasses.asdict(line), "numbers": dict(line.numbers)} for line in lines]
    found = {"failed": bool(exit_code(lines)), "conclusion": closing(lines), "lines": plain}
    return json.dumps({**facts, **found}, indent=2, allow_nan=False) + "\n"
