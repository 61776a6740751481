"""Comparisons made by hand: every verdict, a side without a number, nothing of which is computed."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.ratio import Ratio
from cvbench_tui.results.compare.model import ComparedRow, RunComparison, Side, SideTime, Verdict
from cvbench_tui.results.stats.quality import Quality
from tests.results.samples import model, plan, run_of


def ratio(speedup: float, low: float | None, high: float | None) -> Ratio:
    """Of ten processes; of single results without an interval."""
    if low is None:
        return Ratio(speedup, low, high, "single", 1)
    return Ratio(speedup, low, high, "processes", 10, 0.01, 9.0)


def row(
    label: str,
    a_s: float | None,
    b_s: float | None,
    interval: tuple[float, float] | None,
    verdict: Verdict | None,
    sentence: str = "",
    phase: Phase = "total",
) -> ComparedRow:
    """A row of batch 64; times in seconds, None where that side has none."""
    case, good = Case(model(label), "cpu", 64), Quality("A")
    sides = [SideTime(case, seconds, 0.01, lambda: good) if seconds is not None else None for seconds in (a_s, b_s)]
    low, high = interval or (None, None)
    known = ratio(a_s / b_s, low, high) if a_s is not None and b_s is not None else None
    return ComparedRow(f"{case.case_id}|{phase}", label, "64", phase, *sides, known, verdict, sentence)


def run_named(run_id: str) -> Run:
    """A finished run without rows, of that id."""
    return replace(run_of(plan(name="sample")), id=run_id)


ROWS = (
    row("resnet50", 0.0614, 0.04375, (1.39, 1.41), "faster"),
    row("densenet121", 0.0701, 0.066, (0.93, 1.19), "not told apart", "needs 12 more processes"),
    row("vgg16", 0.08805, 0.08781, (0.998, 1.004), "same"),
    row("vit_b_16", 0.1026, 0.1069, (0.9504, 0.9689), "slower"),
    row("swin_t", 0.0923, None, None, None, "B has no number: OOM."),
    row("resnet50", 0.0201, 0.0202, (0.99, 1.0), "same", phase="inference"),
)


def comparison(
    *rows: ComparedRow, differences: tuple[str, ...] = (), names: tuple[str, str] = ("main", "nhwc"), along: str = "run"
) -> RunComparison:
    """Those rows, else one of each verdict."""
    rows = rows or ROWS
    sides = [Side(name, run_named(f"20261124-15101{place}-9f3a")) for place, name in enumerate(names)]
    means = (("total", ratio(1.089, 1.05, 1.13), 4),) if len(rows) > 1 else ()
    missing = ("VGG11 cpu batch 8", "VGG13 cpu batch 8")
    return RunComparison(
        *sides,
        along,
        0.01,
        rows,
        means,
        differences,
        only_b=missing,
        corrected=sum(row.verdict is not None for row in rows),
    )
