"""A table, or one row of it, as the lines of a markdown table. What stands around it is the layouts' and copying's."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.base.escape import escape
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.columns import Column
from cvbench_tui.results.table.model import Cell, Row, Table


def pipe_lines(table: Table, rows: Sequence[Row]) -> list[str]:
    """Heading, rule and these rows of the table, with the columns padded so that the raw text can be read as well."""
    places = visible_columns(table)
    columns = [table.columns[place] for place in places]
    texts = [[escape(column.heading) for column in columns]]
    texts += [[_text(row.cells[place]) for place in places] for row in rows]
    widths = [max(3, *(len(text) for text in column)) for column in zip(*texts, strict=True)]
    lines = [_line(row, columns, widths) for row in texts]
    rule = "|".join(_rule(column, width) for column, width in zip(columns, widths, strict=True))
    return [lines[0], f"|{rule}|", *lines[1:]]


def pipe_blocks(table: Table) -> list[list[str]]:
    """One table, or one for each group below a heading with its title."""
    if not table.groups:
        return [pipe_lines(table, table.rows)]
    rows = {row.key: row for row in table.rows}
    blocks: list[list[str]] = []
    for group in table.groups:
        blocks += [[f"## {escape(group.title)}".rstrip()], pipe_lines(table, [rows[key] for key in group.keys])]
    return blocks


def _text(cell: Cell) -> str:
    """The cell; the fastest of equal work in bold. A number of grade X is struck through, so that it is marked where it
    is pasted, rendered or not."""
    if cell.valid or cell.text == cell.grade:  # the letter in the grade's own column is no number
        return f"**{escape(cell.text)}**" if cell.best else escape(cell.text)
    return f"~~{escape(cell.text.replace(' X', '', 1))}~~ X"


def _line(texts: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    cells = (
        text.rjust(width) if column.alignment == "right" else text.ljust(width)
        for text, column, width in zip(texts, columns, widths, strict=True)
    )
    return f"| {' | '.join(cells)} |"


def _rule(column: Column, width: int) -> str:
    """The line below the heading, which says how the column is aligned."""
    dashes = "-" * (width + 1)
    return f"{dashes}:" if column.alignment == "right" else f":{dashes}"
