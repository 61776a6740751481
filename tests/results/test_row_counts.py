"""Rows counted by events alone, as a list of runs counts them, and by the fold: the same numbers and words."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event, Progress, RowsAdded, RunFinished, RunStarted
from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run, fold, with_better
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.row_counts import RowCounts
from cvbench_tui.results.stats.outcome import row_counts
from cvbench_tui.results.storage import run_summary
from cvbench_tui.wire import encode

CASES = [Case(Workload("layer", f"L{number}", "linear", (8,)), "cpu", 1) for number in range(4)]
"""The last one is in no plan before it is added."""
STARTED = RunStarted("run", Plan("p", tuple(CASES[:3]), PROTOCOLS["quick"]), 1000.0, "0")


def measured(case: Case, time_s: float) -> CaseFinished:
    phase = PhaseSamples("total", ((time_s, time_s * 1.1), (time_s * 1.2,)), 1, "perf_counter", "precision")
    return CaseFinished(Measurement(case.case_id, (phase,), 10, 7, 0.5, 1.0, 2.0, 2, ()))


cases = st.sampled_from(CASES)
kinds = st.sampled_from(["out_of_memory", "error", "crashed", "cancelled", "skipped"])
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(measured, cases, st.sampled_from([0.5, 1.0])),
    st.builds(lambda case, kind: CaseFailed(Failure(case.case_id, kind, "Why.")), cases, kinds),
    st.builds(
        lambda added, again: RowsAdded(tuple(added), 1.0, again), st.lists(cases, min_size=1, max_size=3), st.booleans()
    ),
    st.builds(lambda reason: RunFinished(reason, 2.0), st.sampled_from(["finished", "cancelled", "failed"])),
    st.builds(lambda case: Progress(case.case_id, "measuring"), cases),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(events, max_size=14))
@example([measured(CASES[3], 1.0), RowsAdded((CASES[3],), 1.0, again=False)])
@example([measured(CASES[0], 1.0), RowsAdded((CASES[0],), 1.0), CaseFailed(Failure(CASES[0].case_id, "skipped", "."))])
def test_a_summary_counts_as_the_fold_does(found: list[Event]) -> None:
    run: Run = with_better(reduce(fold, found, fold(None, STARTED)))
    expected = row_counts(run, graded=False)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        path.write_text("".join(encode(event) + "\n" for event in [STARTED, *found]))
        for summary in (
            run_summary._counted(path, run_summary._whole),
            run_summary._counted(path, run_summary._glanced),
            run_summary.quick_summary(path),
        ):
            assert summary is not None
            assert summary.counts == expected
            assert (summary.rows, summary.ended) == (len(run.plan.cases), run.ended)
    assert sum((expected.measured, expected.failed, expected.skipped, expected.cancelled, expected.not_begun)) == len(
        run.plan.cases
    )


def test_the_words() -> None:
    assert RowCounts().text == "0 measured"
    assert RowCounts(12, 1, 2, 3, 4, invalid=2).text == (
        "12 measured (2 invalid), 1 failed, 2 skipped, 3 cancelled, 4 not begun"
    )
    assert RowCounts(1, invalid=0).text == RowCounts(1).text == "1 measured"
