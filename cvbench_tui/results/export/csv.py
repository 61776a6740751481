"""A run as CSV: one row per case, SI units in the headings. Of the JSON's figures those that fit into one cell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cvbench_tui.base.choices import Layout
from cvbench_tui.base.escape import visible
from cvbench_tui.core.measurement import PHASES, WHOLE_PHASE
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run, environment_of
from cvbench_tui.results.export.json import FACTS, STATISTICS, result_of
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.model import Row, Table
from cvbench_tui.results.table.view import View

_FORMULA = re.compile(
    r"\A(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|\t)|([;\t\n][^\S\t\n]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
)
"""Where a spreadsheet would begin to compute, also behind blanks, in the wide signs of Asian keyboards, and behind a
semicolon or a tabulator, which separate cells where the comma is in the numbers. An apostrophe there makes it text."""
_MEMORY = ("allocated_bytes", "reserved_bytes", "driver_bytes", "resident_bytes")
_CHECK = ("output_error", "output_bound", "gradient_error", "gradient_bound")
_WORK = ("flops", "bytes", "footprint_bytes")


def render(run: Run, _layout: Layout, view: View) -> str:
    """One row per case in the view's order, SI units in the headings, an empty cell where nothing is available.

    Every column of the table under its ``file_name``, then all other figures that fit into one cell.
    """
    run = together(run, view.beside)
    table = build(run, View(sort=view.sort, descending=view.descending, reference=view.reference, compare=view.compare))
    rows = (_row(run, table, row) for row in table.rows)  # one at a time: 20,000 of them take 0.4 GB
    text = io.StringIO()
    names = list(_row(run, table, table.rows[0])) if table.rows else ["name"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: safe_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def safe_cell(value: Any) -> Any:
    """A number as it is; text with what cannot be seen escaped, and as text to a spreadsheet too."""
    return _FORMULA.sub(r"\1'", visible(value)) if isinstance(value, str) else value


def _row(run: Run, table: Table, row: Row) -> dict[str, Any]:
    cells = {column.file_name: cell.value for column, cell in zip(table.columns, row.cells, strict=True)}
    figures = _figures(run, run.plan.case(row.key))
    return {
        **{name: value for name, value in cells.items() if name},
        **{name: value for name, value in figures.items() if name not in cells},
    }


def _figures(run: Run, case: Case) -> dict[str, Any]:
    result, (source, mine) = result_of(run, case, samples=False), run.home(case)
    environment, device = environment_of(source, mine), run.device_of(case)
    row = {
        name: value for name, value in result["case"].items() if name not in ("id", "params", "input_shape", "settings")
    }
    row["input_shape"] = "x".join(str(size) for size in case.workload.input_shape)
    row["device_name"] = device.name if device is not None else None
    row["framework_version"] = environment.version(mine.framework) if environment is not None else None
    row["identity_hash"] = result["environment_id"]
    for phase in PHASES:
        row |= {f"{phase}_{name}": value for name, value in _phase(result, phase).items()}
    for phase in PHASES if run.plan.protocol.clean is not None else ():
        row |= {f"{phase}_clean_{name}": value for name, value in _clean(result.get("clean", {}), phase).items()}
    row |= _cells(result, FACTS)
    row["optimizer"] = result.get("optimizer")
    row |= _cells(result.get("check"), _CHECK, "check_")
    for name in WHOLE_PHASE:
        row |= _cells(_one(result, "energy", "name", name), ("joules_per_input", "idle_w"), f"{name}_")
    peak = source.ceilings.get(mine.device)
    row["peak_sure"] = None if peak is None else peak.sure  # without a sure one the shares of the peak are empty
    row["grade"] = result["grade"]
    row["failure"] = result["failure"]["sentence"] if "failure" in result else None
    row["notices"] = _codes(result.get("notices", ()))
    if run.borrowed or run.figures:
        row["run"] = source.id
        row |= _cells(
            result.get("figure"), ("source", "url", "licence", "software", "statistic", "notes"), "published_"
        )
    return row


def _phase(result: Mapping[str, Any], phase: str) -> dict[str, Any]:
    """All columns of one phase; empty without a result."""
    figures = result.get("phases", {}).get(phase, {})
    ratios = {variant["kind"]: variant["ratio"] for variant in figures.get("variants", ())}
    return {
        **_cells(figures, STATISTICS),
        "reasons": _codes(figures.get("reasons", ())),
        **_cells(figures.get("modes"), ("low_s", "high_s", "share_high"), "mode_"),
        **_cells(_one(result, "memory", "phase", phase), _MEMORY),
        **_cells(_one(result, "work", "phase", phase), _WORK),
        **_cells(figures.get("rates"), ("flop_per_s", "flop_share", "bytes_per_s", "bytes_share")),
        **{f"{kind}_ratio": ratios.get(kind) for kind in ("alone", "flushed", "device_only")},
    }


def _clean(result: Mapping[str, Any], phase: str) -> dict[str, Any]:
    """The columns of one phase beside the published loop."""
    figures = result.get("phases", {}).get(phase, {})
    apart = result.get("differences", {}).get(phase)
    return {
        **_cells(figures, STATISTICS),
        "reasons": _codes(figures.get("reasons", ())),
        **_cells(apart, ("ratio", "warm_ratio"), "published_"),
    }


def _one(result: Mapping[str, Any], group: str, key: str, value: str) -> Mapping[str, Any]:
    """The first record of that group that has that value; an empty one without any."""
    return next((each for each in result.get(group, ()) if each[key] == value), {})


def _cells(record: Mapping[str, Any] | None, names: Iterable[str], prefix: str = "") -> dict[str, Any]:
    return {f"{prefix}{name}": (record or {}).get(name) for name in names}


def _codes(records: Iterable[Mapping[str, Any]]) -> str | None:
    return " ".join(record["code"] for record in records) or None
