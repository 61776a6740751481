"""A row, or the whole table, as markdown to paste. Bringing it to a clipboard is the screen's."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.run import Run
from cvbench_tui.results.export.markdown_table import pipe_blocks, pipe_lines
from cvbench_tui.results.export.markdown_wide import began_line, environment_line, filter_line
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View


def row_markdown(run: Run, case_id: str, view: View) -> str:
    """Heading, rule and that row, with the view's columns; ends in a newline. Raises KeyError without such a row."""
    table = build(run, replace(view, filter_text=""))
    row = next((row for row in table.rows if row.key == case_id), None)
    if row is None:
        raise KeyError(case_id)
    return "\n".join(pipe_lines(table, [row])) + "\n"


def table_markdown(run: Run, view: View) -> str:
    """The table as the view has it, and one line with when, how and where it was measured; ends in a newline."""
    table = build(run, view)
    line = " ".join(part for part in (filter_line(table, view), began_line(run), environment_line(run)) if part)
    blocks = ["\n".join(block) for block in pipe_blocks(table)]
    return "\n\n".join([*blocks, line]) + "\n"
