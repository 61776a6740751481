"""A run as one wide markdown table: the rows, order and rounding of the screen, then reasons and circumstances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.columns import Column
from cvbench_tui.results.escape import escape, escape_start
from cvbench_tui.results.state import NOTICE_MARK, state_of
from cvbench_tui.results.statistics import is_published
from cvbench_tui.results.table import Table, build
from cvbench_tui.results.units import bytes_text, percent_text, utc_text


def render_wide(run: Run, *, sort: str | None = None, descending: bool = False) -> str:
    """The markdown. Raises SelectionError for a column that is not there."""
    table = build(run, sort=sort, descending=descending)
    blocks = [
        [f"# cvbench-tui: {escape(run.plan.name)}"],
        _rows(table),
        _listed("Not measured:", (_failure(run, case) for case in run.plan.cases)),
        _listed(f"Notices ({escape(NOTICE_MARK)}):", _notices(run)),
        *([line] for line in _circumstances(run)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def environment_line(run: Run) -> str:
    """Versions, and the devices the plan names; escaped."""
    if run.environment is None:
        return "Environment: unknown, the measuring process never told."
    versions = ", ".join(f"{name} {version}" for name, version in run.environment.versions)
    used = dict.fromkeys(case.device for case in run.plan.cases)
    devices = [_device(run, device_id) for device_id in used]
    return escape(f"Environment: {versions}. {'. '.join(devices)}.")


def began_line(run: Run) -> str:
    """When, by what and how it was measured, and how the run ended; escaped."""
    ended = {
        None: " The run had not ended when this was written.",
        "finished": "",
        "cancelled": " The run was cancelled.",
        "failed": f" The run failed: {run.ended_sentence}",
    }[run.ended]
    when = f"Measured {utc_text(run.started_at_s)} with cvbench-tui {run.program}"
    return escape(f"{when}, protocol {run.plan.protocol.name}, run {run.id}.{ended}")


def label(case: Case) -> str:
    """A row at the start of a list's item: name, device and batch; escaped."""
    return escape_start(f"{case.workload.name} ({case.device}, batch {case.batch})")


def _rows(table: Table) -> list[str]:
    """The table with its columns padded, so that the raw text can be read as well."""
    texts = [[escape(column.heading) for column in table.columns]]
    texts += [[escape(cell.text) for cell in row.cells] for row in table.rows]
    widths = [max(3, *(len(text) for text in column)) for column in zip(*texts, strict=True)]
    lines = [_line(row, table.columns, widths) for row in texts]
    rule = "|".join(_rule(column, width) for column, width in zip(table.columns, widths, strict=True))
    return [lines[0], f"|{rule}|", *lines[1:]]


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


def _listed(title: str, items: Iterator[str]) -> list[str]:
    """A titled list; nothing when it is empty."""
    found = [f"* {item}" for item in items if item]
    return [title, "", *found] if found else []


def _failure(run: Run, case: Case) -> str:
    """Why that case has no numbers; empty when it has, or may still get some."""
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Failure):
        return ""
    return f"{label(case)}: {state_of(run, case).word}. {escape(outcome.sentence)}"


def _notices(run: Run) -> Iterator[str]:
    for measurement in run.measured:
        for notice in measurement.notices:
            yield f"{label(run.plan.case(measurement.case_id))}: {escape(notice.sentence)}"


def _circumstances(run: Run) -> Iterator[str]:
    """What a reader needs to judge the numbers."""
    yield began_line(run)
    yield environment_line(run)
    yield _meaning(run)


def _meaning(run: Run) -> str:
    """What the numbers are."""
    if is_published(run.plan.protocol):
        return (
            "Times are means per iteration by the method of the published tables, with the smallest iteration in "
            "brackets; \u00b1 is half of the mean's 95% interval (Student's t over ten groups of iterations)."
        )
    precision = percent_text(run.plan.protocol.precision)
    return (
        "Times are medians per iteration; \u00b1 is half of the median's 95% interval, as a share of it "
        "(Student's t over rounds, or over processes from three on). "
        f"OK: \u00b1 reached {precision} in all phases; BUDGET: it did not."
    )


def _device(run: Run, device_id: str) -> str:
    """``cuda:0 is NVIDIA H100 (80.00 GiB)``."""
    device = run.environment.device(device_id) if run.environment is not None else None
    if device is None:
        return f"{device_id} is unknown"
    facts = [bytes_text(device.memory_bytes)] if device.memory_bytes is not None else []
    facts += [device.detail] if device.detail else []
    return f"{device_id} is {device.name}" + (f" ({', '.join(facts)})" if facts else "")
