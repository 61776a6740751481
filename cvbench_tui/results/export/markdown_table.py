"""A table, or rows of it, as lines of markdown, and the lines that every layout has about a run."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.base.escape import escape
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.row_state import ended_text
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.columns import Column
from cvbench_tui.results.table.model import Cell, Row, Table
from cvbench_tui.results.text.units import bytes_text, utc_text


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
    dashes = "-" * (width + 1)
    return f"{dashes}:" if column.alignment == "right" else f":{dashes}"


def began_line(run: Run) -> str:
    """When, by what and how it was measured, and how the run ended; escaped."""
    when = f"Measured {utc_text(run.started_at_s)} with cvbench-tui {run.program}"
    return escape(f"{when}, protocol {run.plan.protocol.name}, run {run.id}. {ended_text(run)}".rstrip())


def environment_line(run: Run) -> str:
    """Versions, the devices the plan names, and the identity; escaped."""
    if run.environment is None:
        return "Environment: unknown; the worker did not report it."
    versions = ", ".join(f"{name} {version}" for name, version in run.environment.versions)
    devices = [_device(run.environment, device) for device in dict.fromkeys(case.device for case in run.plan.cases)]
    identity = run.environment.identity_hash
    compared = f" Environment ID {identity} (same ID: comparable)." if identity is not None else ""
    return escape(f"Environment: {versions}. {'. '.join(devices)}.{compared}")


def _device(environment: Environment, device_id: str) -> str:
    """``cuda:0 is NVIDIA H100 (80.00 GiB)``."""
    device = environment.device(device_id)
    if device is None:
        return f"{device_id} is unknown"
    facts = [bytes_text(device.memory_bytes)] if device.memory_bytes is not None else []
    facts += [device.detail] if device.detail else []
    return f"{device_id} is {device.name}" + (f" ({', '.join(facts)})" if facts else "")
