"""The strip under the panes: where the run is, when it will be done, how it ended. The only thing that moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import visible
from cvbench_tui.core.text import plural
from cvbench_tui.results.text.units import duration_text, relative_text, seconds_text
from cvbench_tui.tui.terminal.theme import MUTED
from cvbench_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from cvbench_tui.core.event import Progress
    from cvbench_tui.core.run import Run

FULL, EMPTY = "\u2501", "\u2500"
BAR_SHARE = 0.4  # share of the strip's width that the bar takes
NAME_CELLS = 30
TRAIL_WIDTH = 100  # fewest cells of a strip with room for the earlier widths
TRAIL = 3  # how many earlier widths of the interval are shown before the newest
HINT_AFTER_RUN = "s saves the table   y copies a row   Enter explains it   m compares with it"
END_STYLES = {"finished": "bold $text-success", "cancelled": "bold $text-warning", "failed": "bold $text-error"}


class ProgressStrip(Line):
    """Two lines, always: a strip that grew would move everything above it."""

    DEFAULT_CSS = """
    ProgressStrip { height: 2; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    _trail: Sequence[str] = ()  # relative half widths of the running phase's interval, the newest last
    _phase: tuple[str, str | None, int] | None = None  # case, phase and process the trail is of

    def say(self, text: str, style: str = "") -> None:
        """One sentence; a long one continues in the second line."""
        self.styles.text_wrap = "wrap"
        self.put(Content.assemble((visible(text), style)))

    def show_running(self, run: Run, elapsed_s: float, left_s: float, share: float, *, cancelling: bool) -> None:
        """Where the run is. ``share``: how much of it is done, 0 to 1."""
        where = Content.assemble(("cancelling...", "bold $text-warning")) if cancelling else self._where(run)
        width = max(10, int(self.size.width * BAR_SHARE))
        full = round(share * width)
        settled = len(run.plan.cases) - run.pending
        bar = Content.assemble(
            (FULL * full, "$text-success"),
            (EMPTY * (width - full), MUTED),
            f"  {settled} of {plural(len(run.plan.cases), 'row')}",
            (f"  ETA {duration_text(left_s)}", "bold"),
            (f"  elapsed {duration_text(elapsed_s)}", MUTED),
        )
        self.styles.text_wrap = "nowrap"
        self.put(Content("\n").join([where, bar]))

    def show_ended(self, run: Run) -> None:
        """The state of the run with its counts, and the keys to press next."""
        from cvbench_tui.results.stats.row_state import outcome_text  # behind the first frame: it brings the statistics

        word = run.ended or "failed"
        sentence = f". {visible(run.ended_sentence)}" if run.ended_sentence else ""
        line = Content.assemble((word, END_STYLES[word]), f": {outcome_text(run)}{sentence}")
        self.styles.text_wrap = "nowrap"
        self.put(Content("\n").join([line, Content.assemble((HINT_AFTER_RUN, MUTED))]))

    def _where(self, run: Run) -> Content:
        """The running case, what it is doing and the interval so far."""
        if run.running is None:
            return Content("starting the next row...")
        case, processes = run.plan.case(run.running.case_id), run.plan.protocol.processes
        parts: list[str | tuple[str, str]] = [(shorten(visible(case.workload.name), NAME_CELLS), "bold")]
        parts.append(f"  {case.device}  batch {case.batch}")
        parts += [f"  process {run.running.process + 1} of {processes}"] if processes > 1 else []
        parts += ["  starting"] if run.progress is None else self._progress(run, run.progress)
        return Content.assemble(*parts)

    def _progress(self, run: Run, progress: Progress) -> list[str | tuple[str, str]]:
        """Stage, phase, round, and how the interval became narrower."""
        doing = progress.phase if progress.stage == "measuring" and progress.phase else progress.stage
        parts: list[str | tuple[str, str]] = [(f"  {doing}", "$text-primary")]
        parts += [f", round {progress.round} of {progress.max_rounds}"] if progress.round else []
        if progress.median_s is not None:
            self._follow(run, progress, progress.median_s)
            trail = self._trail[:-1] if self.size.width >= TRAIL_WIDTH else ()
            earlier = "".join(f"{each} > " for each in trail)
            parts += ["  ", (earlier, MUTED), (seconds_text(progress.median_s, progress.half_width_s), "bold")]
            if run.plan.protocol.method != "published":
                parts.append((f", target {relative_text(run.plan.protocol.precision)}", MUTED))
        return parts

    def _follow(self, run: Run, progress: Progress, median_s: float) -> None:
        """Take the newest width into the trail of its phase."""
        phase = (progress.case_id, progress.phase, run.running.process if run.running is not None else 0)
        if phase != self._phase:
            self._phase, self._trail = phase, ()
        if progress.half_width_s is not None and median_s:
            width = relative_text(progress.half_width_s / median_s)
            if width not in self._trail[-1:]:
                self._trail = [*self._trail, width][-TRAIL - 1 :]
