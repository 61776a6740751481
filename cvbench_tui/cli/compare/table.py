"""Comparisons on a terminal, at any width: what differs, a table for each phase, what rows without a verdict lack."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from cvbench_tui.base.cells import cell_len
from cvbench_tui.base.escape import one_line
from cvbench_tui.results.compare import cells
from cvbench_tui.results.compare.cells import ComparisonLine, ComparisonTable
from cvbench_tui.results.compare.model import RunComparison
from cvbench_tui.results.text.ascii import to_ascii

GAP = 2  # cells between two columns
LEAST_NAME = 8  # cells of a workload's name, which is folded into lines
MOST_NOTES = 12  # sentences about rows, below a table
STYLES = {
    "faster": "green", "slower": "bold red", "no number": "dim", "no ratio": "dim", "no interval": "dim"
}  # fmt: skip


def print_comparisons(comparisons: Sequence[RunComparison]) -> None:
    """Print comparisons of one baseline on stdout, as wide as the terminal at most: in one table where that
    fits, else one below the other."""
    console = Console()
    for line in cells.about_lines(comparisons):
        console.print(_text(line))
    together = list(cells.tables(comparisons))
    if len(comparisons) > 1 and any(_width(table) > console.width for table in together):
        for place, one in enumerate(comparisons, 1):
            for table in cells.tables([one], place):
                _print(console, cells.title([one], table.phase, place), table)
    else:
        for table in together:
            _print(console, cells.title(comparisons, table.phase), table)
    console.print()
    for line in (*cells.source_lines(comparisons), *cells.closing_lines(comparisons)):
        console.print(_text(line, "dim"))


def _print(console: Console, title: str, table: ComparisonTable) -> None:
    """One table below its title, the sentences of its rows beside their verdicts where there is room, else below."""
    console.print()
    console.print(_text(title, "bold"))
    said = replace(table, lines=tuple(map(_with_sentence, table.lines)))
    beside = len(table.headings) == 7 and _width(said) <= console.width
    for line in _drawn(said if beside else table, console.width):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    notes = [] if beside else list(cells.note_lines(table))
    for note in notes[:MOST_NOTES]:
        console.print(_text(note))
    if len(notes) > MOST_NOTES:
        console.print(_text(f"And {len(notes) - MOST_NOTES} more: a file has them all (-o comparison.md)."))


def _with_sentence(line: ComparisonLine) -> ComparisonLine:
    said = f"{line.texts[-1]}: {line.sentence.rstrip('.')}" if line.sentence else line.texts[-1]
    return replace(line, texts=(*line.texts[:-1], said))


def _widths(table: ComparisonTable) -> list[int]:
    """Of each column; the last cell of the foot may be longer."""
    rows = [[heading for heading, _ in table.headings], *(line.texts for line in table.lines)]
    rows += [[*line.texts[:-1], ""] for line in table.foot]
    return [max(cell_len(_shown(text)) for text in column) for column in zip(*rows, strict=True)]


def _width(table: ComparisonTable) -> int:
    widths = _widths(table)
    return sum(widths) + GAP * (len(widths) - 1)


def _drawn(table: ComparisonTable, width: int) -> Iterator[Text]:
    """Its lines. Names give way and are folded; numbers never."""
    widths = _widths(table)
    over = sum(widths) + GAP * (len(widths) - 1) - width
    if over > 0:
        widths[0] = max(LEAST_NAME, widths[0] - over)
    right = [to_right for _, to_right in table.headings]
    yield from _row([heading for heading, _ in table.headings], widths, right, "bold")
    for line in table.lines:
        yield from _row(line.texts, widths, right)
    for line in table.foot:
        *texts, counts = line.texts
        room = width - sum(widths[:-1]) - GAP * (len(widths) - 1)
        if cell_len(_shown(counts)) <= room:
            yield from _row(line.texts, widths, right, "bold")
        else:
            yield from _row([*texts, ""], widths, right, "bold")
            yield _text(f"  {counts}", "bold")


def _row(texts: Sequence[str], widths: Sequence[int], right: Sequence[bool], style: str = "") -> Iterator[Text]:
    """One line, more where the name is folded."""
    name, *others = map(_shown, texts)
    first, *more = _folded(name, widths[0])
    line = Text(first + " " * (widths[0] - cell_len(first)), style=style)
    for text, width, to_right in zip(others, widths[1:], right[1:], strict=True):
        blanks = " " * (width - cell_len(text))
        line.append(" " * GAP + blanks if to_right else " " * GAP)
        line.append(text, STYLES.get(text.partition(":")[0].rstrip(cells.DOUBT), ""))
        line.append("" if to_right else blanks)
    line.rstrip()
    yield line
    for part in more:
        yield Text(f" {part}", style=style)


def _folded(name: str, width: int) -> list[str]:
    """The name in lines of that many cells, those after the first set in by one; broken at blanks where it has any."""
    lines: list[str] = []
    rest = name
    while cell_len(rest) > (room := width - bool(lines)):
        end = max(1, next((end for end in range(len(rest), 0, -1) if cell_len(rest[:end]) <= room), 1))
        at = rest.rfind(" ", 1, end + 1)
        end = at if at > 0 else end
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, rest]


def _text(text: str, style: str = "") -> Text:
    """Text without markup and control characters, whatever a name holds."""
    return Text(_shown(text), style=style)


def _shown(text: str) -> str:
    shown = one_line(text)
    return to_ascii(shown) if sys.stdout.encoding == "ascii" else shown
