"""Comparisons as markdown, for a pull request: what is compared, what differs, a table for each phase, the method."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.base.escape import escape, escape_start, one_line
from cvbench_tui.results.compare import cells
from cvbench_tui.results.compare.cells import ComparisonTable
from cvbench_tui.results.compare.model import RunComparison
from cvbench_tui.results.export.markdown_table import pipe_lines


def render(comparisons: Sequence[RunComparison]) -> str:
    """The markdown of comparisons with one baseline, ending in a newline."""
    blocks = ["\n".join(f"- {escape_start(line)}" for line in cells.about_lines(comparisons))]
    for table in cells.tables(comparisons):
        blocks.append(f"### {escape(cells.title(comparisons, table.phase))}")
        blocks.append("\n".join(_table(table, alone=len(comparisons) == 1)))
        if len(comparisons) > 1:
            blocks.append("\n".join(f"- {escape_start(note)}" for note in cells.note_lines(table)))
    blocks.append("\n".join(f"- {escape_start(line)}" for line in cells.source_lines(comparisons)))
    blocks.append(escape_start(" ".join(cells.closing_lines(comparisons))))
    return "\n\n".join(filter(None, blocks)) + "\n"


def _table(table: ComparisonTable, *, alone: bool) -> list[str]:
    """``alone``: one side is judged, and the last cell of a row has its sentence too."""
    rows = []
    for line in (*table.lines, *table.foot):
        texts = list(line.texts)
        if alone and line.sentence:
            texts[-1] = f"{texts[-1]}: {line.sentence.rstrip('.')}"
        rows.append([escape(one_line(text)) for text in texts])
    return pipe_lines(table.headings, rows)
