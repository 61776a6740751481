"""Verdicts as lines to read, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap

from cvbench_tui.base.cells import cell_len
from cvbench_tui.base.escape import one_line, paired
from cvbench_tui.results.text.units import prefixed, relative_text, seconds_text
from cvbench_tui.results.verdict.model import DeviceVerdict, Finding, RowVerdict

SCHEMA = 1  # of the JSON
MIN_WIDTH = 50  # columns that lines are folded at in the narrowest place
WORDS = {"fine": "fine", "below": "BELOW", "unknown": "?"}


def lines(verdicts: Sequence[DeviceVerdict], width: int) -> list[str]:
    """The summary of each device, then its rows with all that they were compared with, its peaks, causes, remarks."""
    found: list[str] = []
    for verdict in verdicts:
        found += ["", *_device(verdict, max(MIN_WIDTH, width))] if found else _device(verdict, max(MIN_WIDTH, width))
    return found


def _device(verdict: DeviceVerdict, width: int) -> list[str]:
    made = [*_folded(verdict.summary, 0, width)]
    if verdict.rows:
        made.append("")
    wide = max((cell_len(one_line(each.label)) for each in verdict.rows), default=0)
    for row in verdict.rows:
        made += _row(row, wide, width)
    if verdict.peaks:
        made += ["", "Peaks, measured on it"]
    names = max((len(each.name) for each in verdict.peaks), default=0)
    for peak in verdict.peaks:
        rate = " ".join(prefixed(peak.rate, peak.unit, digits=3))
        made += _folded(f"{WORDS[peak.standing]:5}  {peak.name:{names}}  {rate}: {peak.sentence}", 2, width)
    made += _findings("Likely causes", verdict.causes, width)
    made += _findings("Worth knowing", verdict.remarks, width)
    if verdict.not_measured:
        made += ["", "Not measured"]
    for label, why in verdict.not_measured:
        made += _folded(f"{label}: {why}", 2, width)
    return made


def _row(row: RowVerdict, wide: int, width: int) -> Iterator[str]:
    time = f"{seconds_text(row.seconds)} {relative_text(row.relative)}" if row.relative else seconds_text(row.seconds)
    label = one_line(row.label)
    yield f"  {WORDS[row.standing]:5}  {label}{' ' * (wide - cell_len(label))}  {row.phase} {time}"
    for sentence in (*(each.sentence for each in row.against), *([row.sentence] if row.sentence else [])):
        yield from _folded(sentence, 9, width)


def _findings(title: str, findings: Iterable[Finding], width: int) -> Iterator[str]:
    for number, each in enumerate(findings):
        if number == 0:
            yield from ("", title)
        yield from _folded(each.sentence, 2, width)
        if each.remedy:
            yield from _folded(f"What to do: {each.remedy}", 4, width)


def _folded(text: str, indent: int, width: int) -> Iterator[str]:
    for number, line in enumerate(wrap(one_line(text), width - indent - 2, break_on_hyphens=False)):
        yield f"{' ' * (indent + 2 * bool(number and indent))}{line}"


def as_json(verdicts: Sequence[DeviceVerdict]) -> str:
    """Everything; times in seconds, rates in FLOP/s and bytes/s."""
    known = {"schema": SCHEMA, "devices": [asdict(each) for each in verdicts]}
    return paired(json.dumps(known, indent=1, allow_nan=False)) + "\n"
