"""A table as lines of markdown, and the lines that every layout has about a run."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.base.cells import cell_len, shorten
from cvbench_tui.base.escape import escape, escape_start
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import environment_id
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, NamedEnvironment
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.results.stats.phase_stats import is_published
from cvbench_tui.results.stats.quality import ended_text
from cvbench_tui.results.table.model import Table
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import bytes_text, percent_text, rough_duration_text, utc_text

MAX_FILTER = 60  # cells of a filter that is quoted
Aligned = Sequence[tuple[str, bool]]  # headings, and whether their columns are aligned to the right


def pipe_lines(headings: Aligned, rows: Sequence[Sequence[str]]) -> list[str]:
    """Heading, rule and rows, with the columns padded so that the raw text can be read as well. Cells are markdown."""
    texts = [[escape(heading) for heading, _ in headings], *rows]
    widths = [max(3, *map(cell_len, column)) for column in zip(*texts, strict=True)]
    lines = []
    for row in texts:
        cells = []
        for text, width, (_, right) in zip(row, widths, headings, strict=True):
            blanks = " " * (width - cell_len(text))
            cells.append(blanks + text if right else text + blanks)
        lines.append(f"| {' | '.join(cells)} |")
    dashes = ["-" * (width + 1) for width in widths]
    rule = "|".join(f"{each}:" if right else f":{each}" for each, (_, right) in zip(dashes, headings, strict=True))
    return [lines[0], f"|{rule}|", *lines[1:]]


def began_line(run: Run) -> str:
    """When, by what and how it was measured, and how the run ended; empty for published figures."""
    if run.figures:
        return ""
    when = f"Measured {utc_text(run.started_at_s)} with cvbench-tui {run.program}"
    return f"{when}, protocol {run.plan.protocol.name}, run {run.id}. {ended_text(run)}".rstrip()


def environment_line(run: Run) -> str:
    """Versions, the devices the plan names, and the identity; empty for published figures."""
    if run.figures:
        return ""
    if run.environment is None:
        return "Environment: unknown; the worker did not report it."
    versions = ", ".join(f"{name} {version}" for name, version in run.environment.versions)
    named = list(dict.fromkeys(case.device for case in run.plan.cases if case.case_id not in run.borrowed))
    devices = [_device(run.environment, device) for device in named]
    known = [(each, environment_id(run.environment, each)) for each in named]
    ids = ", ".join(f"{each} {identity}" if len(known) > 1 else identity for each, identity in known if identity)
    compared = f" Environment ID {ids} (same ID: comparable)." if ids else ""
    others = "".join(f" {_named(run, each)}." for each in run.plan.environments)
    return f"Environment: {versions}. {'. '.join(devices)}.{compared}{others}"


def _named(run: Run, named: NamedEnvironment) -> str:
    """``old is /home/me/old, torch 2.11.0``: versions that are others than the program's own."""
    there, own = run.environments.get(named.name), dict(run.environment.versions) if run.environment else {}
    versions = there.versions if there is not None else ()
    differ = [f"{name} {version}" for name, version in versions if own.get(name) != version]
    return ", ".join((f"{named.name} is {named.where}", *differ))


def _device(environment: Environment, device_id: str) -> str:
    """``cuda:0 is NVIDIA H100 (80.00 GiB)``."""
    device = environment.device(device_id)
    if device is None:
        return f"{device_id} is unknown"
    facts = [bytes_text(device.memory_bytes)] if device.memory_bytes is not None else []
    facts += [device.detail] if device.detail else []
    return f"{device_id} is {device.name}" + (f" ({', '.join(facts)})" if facts else "")


def rows_line(table: Table, view: View) -> str:
    """``3 of 8 rows, filter "vgg".``, escaped; empty without a filter."""
    filter_text = shorten(" ".join(view.filter_text.split()), MAX_FILTER)
    return (
        escape_start(f'{len(table.rows)} of {plural(table.total, "row")}, filter "{filter_text}".')
        if filter_text
        else ""
    )


def clean_line(protocol: Protocol) -> str:
    """What the clean numbers are, after a blank; empty where the protocol has none."""
    if protocol.clean is None:
        return ""
    precision = percent_text(protocol.clean.precision)
    return f" Clean: medians by today's method, to \u00b1{precision}, in the same process after the published loop."


def meaning(run: Run) -> str:
    """What the times and their intervals are."""
    if run.only_figures:
        return "Times per iteration as others published them: no interval is known, and none has a grade."
    if is_published(run.plan.protocol):
        return (
            "Times are means per iteration by the method of the published tables; \u00b1 is half of the mean's 95% "
            f"interval (over ten groups of iterations).{clean_line(run.plan.protocol)}"
        )
    return (
        "Times are medians per iteration; \u00b1 is half of the median's 95% interval, as a share of it (over the "
        "visits to the row, from three on; over the rounds of fewer)."
    )


def span_line(run: Run, cases: Sequence[Case]) -> str:
    """Over how long a time the intervals of these rows speak; empty where that is not known."""
    spans = [
        each.span_s for each in map(run.outcomes.get, (case.case_id for case in cases)) if isinstance(each, Measurement)
    ]
    known = sorted(span for span in spans if span is not None)
    if not known:
        return ""
    ends = " to ".join(dict.fromkeys(map(rough_duration_text, (known[0], known[-1]))))
    return f"An interval speaks for {ends}, from the first visit to a row to the end of its last."
