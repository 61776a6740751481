"""What torch.compile did: in a file and back, in the detail, as a column and in JSON; nothing of it for eager rows."""

from __future__ import annotations

import json
from dataclasses import replace

from cvbench_tui.core.event import CaseFinished
from cvbench_tui.core.measurement import Compilation, merge
from cvbench_tui.core.plan import Case
from cvbench_tui.results.detail.row import detail
from cvbench_tui.results.export import json as json_format
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.view import View
from cvbench_tui.wire import decode, encode
from tests.every import every
from tests.results.samples import CONV, measurement, plan, run_of

EAGER = Case(CONV, "cpu", 8)
COMPILED = EAGER.varied(compile="default")
COLD = Compilation(94.25, 2, breaks=1, break_reason="Failed to trace builtin `print`", recompiles=2, cache_misses=3)
WARM = Compilation(3.5, 2, cache_hits=3)


def run(found: Compilation = COLD):
    rows = measurement(EAGER, 0.1), replace(measurement(COMPILED, 0.05), compilation=found)
    return run_of(plan(EAGER, COMPILED), *rows)


def test_it_is_written_and_read_and_the_first_visits_stays() -> None:
    first, second = (replace(measurement(COMPILED, 0.05), compilation=each) for each in (COLD, WARM))
    event = decode(encode(CaseFinished(first)))
    assert isinstance(event, CaseFinished)
    assert event.measurement.compilation == COLD
    assert merge(first, second).compilation == COLD


@every(
    ("found", "text"),
    [
        (COLD, "94.25 s, cold cache, 2 graphs, 2 recompiles, 1 graph break: Failed to trace builtin `print`"),
        (WARM, "3.500 s, warm cache, 2 graphs"),
        (replace(WARM, cache_misses=1), "3.500 s, partly warm cache, 2 graphs"),
        (Compilation(0.5, 1), "500.0 ms, 1 graph"),
    ],
)
def test_the_detail_says_what_was_compiled_and_from_which_cache(found, text) -> None:
    sections = {section.title: dict(section.pairs) for section in detail(run(found), COMPILED.case_id)}
    assert sections["Case"]["compilation"] == text


def test_a_break_is_the_rows_mark_with_its_reason_and_an_eager_row_has_none() -> None:
    table = build(run(), View())
    eager, compiled = EAGER.case_id, COMPILED.case_id
    assert table.text(compiled, "quality").endswith("graph break")
    assert "graph break" not in table.text(eager, "quality")
    marks = dict(next(each.pairs for each in detail(run(), COMPILED.case_id) if each.title == "Total"))
    said = "torch.compile left 1 graph break, the first one: Failed to trace builtin `print`."
    assert marks["B graph break"].startswith(said)


def test_the_column_is_there_where_a_row_is_compiled_and_json_has_it_all() -> None:
    table = build(run(), View())
    eager, compiled = EAGER.case_id, COMPILED.case_id
    assert (table.text(eager, "compile_time"), table.text(compiled, "compile_time")) == ("-", "94.2 s")
    place = next(place for place, column in enumerate(table.columns) if column.key == "compile_time")
    assert place in visible_columns(table)
    assert place not in visible_columns(build(run_of(plan(EAGER), measurement(EAGER, 0.1)), View()))
    written = json.loads(json_format.render(run(), "full", View()))["results"]
    assert "compilation" not in written[0]
    assert written[1]["compilation"]["recompiles"] == 2
    assert written[1]["cells"]["compile_time"] == {"value": 94.25, "unit": "s"}
    assert "compile_time" not in written[0]["cells"]
