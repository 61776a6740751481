"""The selftest's lines as a table or as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from cvbench_tui.selftest.verdict import VerdictLine, exit_code

HEADINGS = ("verdict", "check", "compared", "figure", "noise")


def table(lines: Sequence[VerdictLine], width: int) -> str:
    """A row for each line, its sentence behind it, or below it where ``width`` columns do not hold both."""
    rows = [HEADINGS, *((line.verdict, line.check, line.compared, line.figure, line.noise) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    heading, *cells = ["  ".join(text.ljust(size) for text, size in zip(row, widths, strict=True)) for row in rows]
    sentences = [line.sentence for line in lines]
    if max((len(row) + 2 + len(words) for row, words in zip(cells, sentences, strict=True)), default=0) <= width:
        written = [f"{row}  {words}" for row, words in zip(cells, sentences, strict=True)]
    else:
        indent = " " * (widths[0] + 2)
        written = [f"{row.rstrip()}\n{indent}{words}" for row, words in zip(cells, sentences, strict=True)]
    return "\n".join([heading.rstrip(), *written]) + "\n"


def summary(lines: Sequence[VerdictLine]) -> str:
    """``14 passed, 2 undecided, none failed``."""
    counts = {word: sum(line.verdict == word for line in lines) for word in ("pass", "undecided", "FAIL")}
    failed = counts["FAIL"] or "none"
    return f"{counts['pass']} passed, {counts['undecided']} undecided, {failed} failed"


def as_json(lines: Sequence[VerdictLine], facts: dict[str, object]) -> str:
    """One object: the machine's facts, the lines with their figures, and whether one failed."""
    found = [{**dataclasses.asdict(line), "numbers": dict(line.numbers)} for line in lines]
    return json.dumps({**facts, "failed": bool(exit_code(lines)), "lines": found}, indent=2, allow_nan=False) + "\n"
