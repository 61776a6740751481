"""The strip under the table: where the run is, when it will be done, how it ended. The only thing that moves."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from cvbench_tui.core.run import Run
from cvbench_tui.results.escape import visible
from cvbench_tui.results.eta import done_share, eta_s
from cvbench_tui.results.state import outcome_text
from cvbench_tui.results.statistics import is_published
from cvbench_tui.results.units import duration_text, interval_text, relative_text
from cvbench_tui.tui.summary import count

FULL, EMPTY = "\u2501", "\u2500"
BAR_SHARE = 0.45
"""Share of the strip's width that the bar takes."""
END_STYLES = {"finished": "bold green", "cancelled": "bold yellow", "failed": "bold red"}


class ProgressStrip(Static):
    """One line while nothing runs, two while something does."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)

    def say(self, text: str, style: str = "") -> None:
        """One sentence."""
        self.update(Text(visible(text), style=style))

    def show_running(self, run: Run, now_s: float, expected_s: float, *, cancelling: bool) -> None:
        """Where the run is. ``now_s``: seconds since the epoch; ``expected_s``: the guess for the whole plan."""
        where = Text("cancelling...", style="bold yellow") if cancelling else _where(run)
        share = done_share(run)
        width = max(10, int(self.size.width * BAR_SHARE))
        full = round(share * width)
        bar = Text.assemble((FULL * full, "bold green"), (EMPTY * (width - full), "dim"))
        settled = len(run.plan.cases) - run.pending
        bar.append(f"  {settled} of {count(len(run.plan.cases), 'row')}")
        bar.append(f"   ETA {duration_text(eta_s(run, expected_s))}", style="bold")
        bar.append(f"   elapsed {duration_text(max(0.0, now_s - run.started_at_s))}", style="dim")
        self.update(Text("\n").join([where, bar]))

    def show_ended(self, run: Run) -> None:
        """The word that is true, with the counts."""
        word = run.ended or "failed"
        line = Text.assemble((word, END_STYLES[word]), ": ", outcome_text(run))
        if run.ended_sentence:
            line.append(f". {visible(run.ended_sentence)}")
        line.append("   s saves the table", style="dim")
        self.update(line)


def _where(run: Run) -> Text:
    """The running case, what it is doing and the interval so far."""
    if run.running is None:
        return Text("starting the next case...")
    case = run.plan.case(run.running.case_id)
    line = Text.assemble((case.workload.name, "bold"), f"  {case.device}  batch {case.batch}")
    if run.plan.protocol.processes > 1:
        line.append(f"  process {run.running.process + 1} of {run.plan.protocol.processes}")
    progress = run.progress
    if progress is None:
        return line.append("   starting")
    line.append(f"   {progress.stage}", style="cyan")
    if progress.phase is not None:
        line.append(f" {progress.phase}")
    if progress.round:
        line.append(f", round {progress.round} of {progress.max_rounds}")
    if progress.median_s is not None:
        line.append(f"   {interval_text(progress.median_s, progress.half_width_s)}", style="bold")
        if not is_published(run.plan.protocol):
            line.append(f", to be {relative_text(run.plan.protocol.precision)}", style="dim")
    return line
