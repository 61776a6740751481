"""A line of text, and those around the panes: header, live gauges (``engine.host.gauges`` reads them), progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.widgets import Static

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import visible
from cvbench_tui.core.row_names import batch_text
from cvbench_tui.core.text import plural
from cvbench_tui.results.text import units
from cvbench_tui.tui.state.run_state import RunState
from cvbench_tui.tui.terminal.theme import MUTED

if TYPE_CHECKING:
    from cvbench_tui.core.event import Progress
    from cvbench_tui.core.run import Run
    from cvbench_tui.engine.host.gauges import GaugeReading

HOST_CELLS, DEVICE_CELLS = 24, 34
STATE_STYLES = {"running": "bold $text-primary", "ready": "$text-success", "no worker": "bold $text-error"}


class Line(Static):
    """A text, never markup, that is drawn when it is a new one, and whose click runs an action."""

    def __init__(self, action: str = "", *, id: str) -> None:  # noqa: A002
        """``action`` of the app is run by a click; none: nothing is."""
        super().__init__(id=id, markup=False)
        self._action = action
        self._drawn = ""

    def put(self, content: Content, *, layout: bool = False) -> None:
        """Draw it if it is new. ``layout``: the line is as wide as its text, so a new one moves its neighbours."""
        if content.markup != self._drawn:
            self._drawn = content.markup
            self.update(content, layout=layout)

    async def on_click(self, event: events.Click) -> None:
        """Run the action."""
        if self._action:
            event.stop()
            await self.app.run_action(self._action)


class HeaderLine(Line):
    """One line: what gives way when it is narrow is cut at its end, so the state stands before the device's details."""

    DEFAULT_CSS = "HeaderLine { height: 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, host: str, version: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._host = host
        self._version = version

    def show(self, state: RunState, ticked: tuple[str, ...]) -> None:
        """``ticked``: ids of devices."""
        environment = state.environment
        word = f"running {state.measured}".rstrip() if state.running else "waiting" if state.beginning else "ready"
        if environment is None:
            word = "no worker" if state.status == "idle" else "starting"
        style = next((style for begins, style in STATE_STYLES.items() if word.startswith(begins)), "$text-warning")
        parts: list[str | tuple[str, str]] = [(" cvbench-tui ", "bold reverse"), f" {self._version}  ", (word, style)]
        parts.append(f"  {shorten(visible(self._host), HOST_CELLS)}")
        for device_id in ticked[:2]:
            parts += ["  ", (visible(device_id), "bold"), " "]
            device = environment.device(device_id) if environment is not None else None
            if device is not None:
                memory = f" {units.bytes_text(device.memory_bytes)}" if device.memory_bytes is not None else ""
                parts.append(shorten(visible(device.name), DEVICE_CELLS) + memory)
        if len(ticked) > 2:
            parts.append(f"  and {len(ticked) - 2} more")
        torch = environment.version("torch") if environment is not None else None
        parts += [(f"  torch {visible(torch)}", MUTED)] if torch else []
        self.put(Content.assemble(*parts))


OFF = "gauges off while measuring"
LAST = "last"  # label of a reading that is not live any more


class GaugeStrip(Line):
    """One line; what does not fit is left out from the right."""

    DEFAULT_CSS = """
    GaugeStrip { height: 1; padding: 0 1; background: $panel; color: $text-muted; text-wrap: nowrap; }
    GaugeStrip.-live { color: $text; }
    """

    _parts: Sequence[Sequence[str]] = ()

    def show(self, gauge: GaugeReading | None, device_id: str, paused: bool, *, live: bool = True) -> None:
        """Show this reading; nothing is drawn when the line stays as it was. ``live``: others will follow."""
        parts = [[OFF]] if paused else [] if gauge is None else gauge_parts(gauge, device_id)
        if gauge is not None and not paused and not live:
            parts[0].insert(0, LAST)
        self._parts = parts
        self.set_class(live and bool(parts) and not paused, "-live")
        self._draw()

    def _draw(self) -> None:
        self.put(Content(fitted(self._parts, self.size.width)))

    on_resize = _draw  # more or less may fit


def gauge_parts(gauge: GaugeReading, device_id: str) -> list[list[str]]:
    """The items of the machine, and those of the card if it is one: ``cpu 12%``, ``load 0.53``; a dash for None, but no
    clock, as in most virtual machines."""
    memory = _of(gauge.memory_used_bytes, gauge.memory_total_bytes)
    load = f"load {_number(gauge.load, 2)}"
    clocks = [[] if hz is None else [units.hertz_text(hz)] for hz in (gauge.cpu_hz, gauge.gpu_hz)]
    host = [f"cpu {units.share_text(gauge.cpu_share)}", *clocks[0], load, f"mem {memory} GiB"]
    if device_id == "cpu":
        return [host]
    card = [
        f"{visible(device_id)} {units.share_text(gauge.gpu_share)}",
        *clocks[1],
        f"{_number(gauge.gpu_celsius, 0)} C",
        f"{_number(gauge.gpu_watts, 0)} W",
        f"{_of(gauge.gpu_memory_used_bytes, gauge.gpu_memory_total_bytes)} GiB",
    ]
    known = (gauge.gpu_share, gauge.gpu_hz, gauge.gpu_celsius, gauge.gpu_watts, gauge.gpu_memory_total_bytes)
    return [host, card if any(value is not None for value in known) else [f"{visible(device_id)} {units.MISSING}"]]


def fitted(parts: Sequence[Sequence[str]], width: int) -> str:
    """The parts with a bar between them, so many whole items of them as there is room for."""
    line = ""
    for part in parts:
        for place, item in enumerate(part):
            longer = line + (" | " if line and not place else " " if line else "") + item
            if len(longer) > width:
                return line
            line = longer
    return line


def _number(value: float | None, decimals: int) -> str:
    return units.MISSING if value is None else f"{value:.{decimals}f}"


def _of(used: float | None, total: float | None) -> str:
    """``3.1/23.5``, in GiB."""
    return "/".join(_number(value and value / 2**30, 1) for value in (used, total))


FULL, EMPTY = "\u2501", "\u2500"
BAR_SHARE = 0.4  # share of the strip's width that the bar takes
NAME_CELLS = 30
HINT_AFTER_RUN = "s saves the table   y copies a row   Enter explains it   m compares with it"
END_STYLES = {"finished": "bold $text-success", "cancelled": "bold $text-warning", "failed": "bold $text-error"}


class ProgressStrip(Line):
    """Two lines, always: a strip that grew would move everything above it."""

    DEFAULT_CSS = """
    ProgressStrip { height: 2; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def say(self, text: str, style: str = "") -> None:
        """One sentence; a long one continues in the second line."""
        self.styles.text_wrap = "wrap"
        self.put(Content.assemble((visible(text), style)))

    def show_running(self, run: Run, elapsed_s: float, left_s: float, share: float, *, cancelling: bool) -> None:
        """Where the run is. ``share``: how much of it is done, 0 to 1."""
        from cvbench_tui.results.stats.outcome import settled_rows  # behind the first frame: it brings the statistics

        where = Content.assemble(("cancelling...", "bold $text-warning")) if cancelling else self._where(run)
        width = max(10, int(self.size.width * BAR_SHARE))
        full = round(share * width)
        settled = settled_rows(run)
        bar = Content.assemble(
            (FULL * full, "$text-success"),
            (EMPTY * (width - full), MUTED),
            f"  {settled} of {plural(len(run.plan.cases), 'row')}",
            (f"  ETA {units.duration_text(left_s)}", "bold"),
            (f"  elapsed {units.duration_text(elapsed_s)}", MUTED),
        )
        self.styles.text_wrap = "nowrap"
        self.put(Content("\n").join([where, bar]))

    def show_ended(self, run: Run) -> None:
        """The state of the run with its counts, and the keys to press next."""
        from cvbench_tui.results.stats.outcome import outcome_text  # behind the first frame: it brings the statistics
        from cvbench_tui.results.stats.steadiness import steadiness

        word = run.ended or "failed"
        sentence = f". {visible(run.ended_sentence)}" if run.ended_sentence else ""
        steady = f". {text}" if (text := steadiness(run)) else ""
        line = Content.assemble((word, END_STYLES[word]), f": {outcome_text(run)}{sentence}", (steady, MUTED))
        self.styles.text_wrap = "nowrap"
        self.put(Content("\n").join([line, Content.assemble((HINT_AFTER_RUN, MUTED))]))

    def _where(self, run: Run) -> Content:
        """The running case, what it is doing and the interval so far."""
        if run.running is None:
            return Content("starting the next row...")
        case, visits = run.plan.case(run.running.case_id), run.plan.protocol.max_visits
        words = visible(run.plan.label(case, without=("device", "batch"))[len(case.workload.name) :])
        name = shorten(visible(case.workload.name), NAME_CELLS) + words
        parts: list[str | tuple[str, str]] = [(name, "bold")]
        parts.append(f"  {case.device}  {batch_text(case)}")
        parts += [f"  visit {run.running.visit + 1} of {visits} at most"] if visits > 1 else []
        parts += ["  starting"] if run.progress is None else self._progress(run, run.progress)
        return Content.assemble(*parts)

    def _progress(self, run: Run, progress: Progress) -> list[str | tuple[str, str]]:
        """Stage, phase, and the interval so far with the one that is wanted."""
        doing = progress.phase if progress.stage == "measuring" and progress.phase else progress.stage
        parts: list[str | tuple[str, str]] = [(f"  {doing}", "$text-primary")]
        one_go = run.plan.protocol.max_visits == 1
        parts += [f", round {progress.round} of {progress.max_rounds}"] if progress.round and one_go else []
        if (so_far := self._so_far(run, progress)) and run.plan.protocol.method != "published":
            target = f", target {units.relative_text(run.plan.protocol.precision)}"
            parts += ["  ", (so_far, "bold"), (target, MUTED)]
        return parts

    def _so_far(self, run: Run, progress: Progress) -> str:
        """The number of the row whose interval is the widest, over its visits so far; in its first visit, over the
        rounds. Empty before there is one."""
        from cvbench_tui.results.stats.row_data import row_data  # behind the first frame: it brings the statistics

        phases = row_data(run, run.plan.case(progress.case_id)).phases
        if phases:
            name, found = max(phases.items(), key=lambda each: each[1].relative or 0.0)
            width_s = found.relative * found.median_s if found.relative is not None else None
            return f"{name} {units.seconds_text(found.median_s, width_s)}"
        if progress.median_s is None:
            return ""
        return units.seconds_text(progress.median_s, progress.half_width_s)
