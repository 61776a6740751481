"""Whatever a run is shown as, saved as and listed as, with what must hold of each text."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from cvbench_tui.base.escape import one_line
from cvbench_tui.catalog.duration import expected_by_case
from cvbench_tui.catalog.memory import too_large
from cvbench_tui.cli.list import _columns, _run_row, _run_texts
from cvbench_tui.core.run import Run
from cvbench_tui.results.detail.row import detail_text
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.registry import EXPORTERS
from cvbench_tui.results.export.rerun_command import command_line
from cvbench_tui.results.machine_warnings import machine_warnings, quota
from cvbench_tui.results.stats.eta import eta_s
from cvbench_tui.results.stats.outcome import outcome_text
from cvbench_tui.results.stats.quality import cpu_instead
from cvbench_tui.results.stats.steadiness import steadiness
from cvbench_tui.results.storage.history import _times
from cvbench_tui.results.storage.runs import list_runs
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import duration_text

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
FORMULA = tuple("=+-@\t\r")
LAYOUTS = ("short", "full", "original")


def unseen(text: str) -> set[str]:
    """What a terminal obeys or does not show, line ends apart."""
    return {letter for letter in set(text) - {"\n"} if unicodedata.category(letter) in UNSEEN}


def check_shown(run: Run) -> None:
    """The run as every table, detail and file: without an error, a control character, a formula or a number that JSON
    does not have."""
    for name, text in texts(run):
        assert not unseen(text), f"{name}: {unseen(text)}"
    plain = json.loads(EXPORTERS[".json"].render(run, "short", View()), parse_constant=_no_constant)
    assert len(plain["results"]) == len(run.plan.cases)
    rows = list(csv.reader(io.StringIO(EXPORTERS[".csv"].render(run, "short", View()))))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row if cell.startswith(FORMULA)):
        float(cell)  # a negative number is one


def texts(run: Run) -> Iterator[tuple[str, str]]:
    """Every text with its name."""
    cases = run.plan.cases
    reference = cases[0].case_id if cases else None
    for view in (View(), View(group="device", sort="total", reference=reference)):
        table = build(run, view)
        for row in table.rows:
            for form in ("bare", "close"):
                yield "table", "".join(table.texts(row, form))
        yield "groups", "".join(group.title for group in table.groups)
    for layout in LAYOUTS:
        yield layout, EXPORTERS[".md"].render(run, layout, View())
    yield "sentences", sentences(run).replace("\t", "")
    yield "csv", EXPORTERS[".csv"].render(run, "short", View()).replace("\t", "")
    yield "json", EXPORTERS[".json"].render(run, "short", View())
    for case in cases[:3]:
        yield "detail", detail_text(run, case.case_id).replace("\t", "")
        yield "command", command_line(run, case)
    left = duration_text(eta_s(run, expected_by_case(run.plan)))
    lines = [outcome_text(run), steadiness(run), left]
    if run.environment is not None:
        lines += [cpu_instead(run.plan, run.environment), quota(run.environment)]
        lines += [*machine_warnings(run.environment), *too_large(run.plan, run.environment)]
    yield "sentences around it", one_line(" ".join(map(str, lines)))
    list(_times(run, graded=False))  # for the history


def check_listed(folder: Path) -> None:
    """The folder of runs as a list on a terminal, and as JSON."""
    found = [(_run_row(run), _run_texts(run)) for run in list_runs(folder)]
    assert found, "a file that cannot be read is listed too"
    assert not unseen(_columns([columns for _, columns in found]))
    json.dumps([row for row, _ in found], allow_nan=False)


def _no_constant(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")
