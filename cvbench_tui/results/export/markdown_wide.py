"""A run as wide markdown: columns, rows, order and rounding of the screen, then reasons and circumstances."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cvbench_tui.base.escape import escape, escape_start
from cvbench_tui.core.grading.reasons import GRADE_HELP
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.export.markdown_table import pipe_blocks
from cvbench_tui.results.stats.phase_stats import is_published
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.row_state import NOTICE_MARK, row_state
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.model import REFERENCE, Table
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import bytes_text, flops_text, gigabytes_text, percent_text, utc_text


def render_wide(run: Run, view: View | None = None) -> str:
    """The markdown, its rows and columns as the view has them. Raises SelectionError for a column that is not there."""
    view = view or View()
    table = build(run, view)
    shown = {row.key for row in table.rows}
    cases = [case for case in run.plan.cases if case.case_id in shown]
    blocks = [
        [f"# cvbench-tui: {escape(run.plan.name)}"],
        [line for line in [filter_line(table, view)] if line],
        *pipe_blocks(table),
        _listed("Not measured:", (_failure(run, case) for case in cases)),
        _listed(f"Reasons and notices ({escape(NOTICE_MARK)}):", _remarks(run, shown)),
        *([line] for line in _circumstances(run, view, table)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def filter_line(table: Table, view: View) -> str:
    """``3 of 8 rows, filter "vgg".``, escaped; empty without a filter."""
    filter_text = " ".join(view.filter_text.split())
    return escape_start(f'{len(table.rows)} of {table.total} rows, filter "{filter_text}".') if filter_text else ""


def environment_line(run: Run) -> str:
    """Versions, the devices the plan names, and the identity; escaped."""
    if run.environment is None:
        return "Environment: unknown, the measuring process never told."
    versions = ", ".join(f"{name} {version}" for name, version in run.environment.versions)
    used = dict.fromkeys(case.device for case in run.plan.cases)
    devices = [_device(run, device_id) for device_id in used]
    identity = run.environment.identity_hash
    compared = f" Identity {identity}: runs with an equal one can be compared." if identity is not None else ""
    return escape(f"Environment: {versions}. {'. '.join(devices)}.{compared}")


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


def _listed(title: str, items: Iterator[str]) -> list[str]:
    """A titled list; nothing when it is empty."""
    found = [f"* {item}" for item in items if item]
    return [title, "", *found] if found else []


def _failure(run: Run, case: Case) -> str:
    """Why that case has no numbers; empty when it has, or may still get some."""
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Failure):
        return ""
    return f"{label(case)}: {row_state(run, case).word}. {escape(outcome.sentence)}"


def _remarks(run: Run, shown: Collection[str]) -> Iterator[str]:
    """Every reason and notice of every row that is shown, once."""
    for measurement in run.measured:
        case = run.plan.case(measurement.case_id)
        for remark in row_data(run, case).row_notes if case.case_id in shown else ():
            yield f"{label(case)}: {escape(remark.text)}"


def _circumstances(run: Run, view: View, table: Table) -> Iterator[str]:
    """What a reader needs to judge the numbers."""
    yield began_line(run)
    yield environment_line(run)
    yield from ceiling_lines(run)
    yield _meaning(run)
    if view.reference is not None and REFERENCE in (table.columns[place].key for place in visible_columns(table)):
        yield _reference(run.plan.case(view.reference))
    yield escape("Grades: " + " ".join(f"{grade}: {meaning}" for grade, meaning in GRADE_HELP.items()))


def ceiling_lines(run: Run) -> Iterator[str]:
    """What the percent of compute and traffic are shares of, for each device; escaped."""
    for device in sorted(run.ceilings):
        ceiling = run.ceilings[device]
        doubt = " Disturbed, or too slow for larger matrices: they may be too low." if not ceiling.sure else ""
        yield escape(
            f"Measured ceilings of {device}: {_rates(ceiling)}. Percent of compute is of the matrix product "
            "in the precision that the row may use; "
            f"percent of traffic is of the copy.{doubt}"
        )


def _rates(ceiling: DevicePeak) -> str:
    """``1.234 TFLOP/s (matrix product, float32), 12.34 GB/s (copy)``."""
    found = [f"{flops_text(rate)} (matrix product, {name})" for name, rate in ceiling.flops_per_s]
    found += [f"{gigabytes_text(ceiling.bytes_per_s)} (copy)"] if ceiling.bytes_per_s is not None else []
    return ", ".join(found) or "none"


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
        "(Student's t over rounds, or over processes from three on, widened for looking after each). "
        f"OK: \u00b1 reached {precision} in all phases; BUDGET: it did not. Everything else is judged by the grade."
    )


def _reference(case: Case) -> str:
    """What ``vs ref`` is; escaped."""
    name = f"{case.workload.name} ({case.device}, batch {case.batch})"
    return escape(
        f"vs ref: how many times as fast per input as {name}, by the total, or by inference where one of the two has "
        "no total; \u00b1 is the root of the sum of the squares of both intervals."
    )


def _device(run: Run, device_id: str) -> str:
    """``cuda:0 is NVIDIA H100 (80.00 GiB)``."""
    device = run.environment.device(device_id) if run.environment is not None else None
    if device is None:
        return f"{device_id} is unknown"
    facts = [bytes_text(device.memory_bytes)] if device.memory_bytes is not None else []
    facts += [device.detail] if device.detail else []
    return f"{device_id} is {device.name}" + (f" ({', '.join(facts)})" if facts else "")
