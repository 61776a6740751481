"""The verdicts on a run's devices, with all that is kept on this machine."""

from __future__ import annotations

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.peak_cache import PeakCache
from cvbench_tui.results.verdict.judge import judge
from cvbench_tui.results.verdict.model import DeviceVerdict
from cvbench_tui.results.verdict.references import references


def verdicts(run: Run, history: History, device: str | None = None) -> tuple[DeviceVerdict, ...]:
    """Of every device that the run has rows on, or of that one. ``history``: refreshed, of the folder that has the kept
    peaks too. Raises SelectionError for a device without rows, and for a run that does not say on what it was
    measured."""
    devices = dict.fromkeys(case.device for case in run.plan.cases)
    if device is not None and device not in devices:
        raise SelectionError(f"The run has no rows on {device}.", f"It has rows on {one_line(', '.join(devices))}.")
    if not devices or run.environment is None:
        hint = "cvbench-tui verdict, or the preset verdict, measures some."
        raise SelectionError("The run has no rows that can be judged.", hint)
    cache = PeakCache(history.folder)
    peaks = [cache.get(peak.key) for peak in run.ceilings.values()]
    return tuple(
        judge(run, each, references(history, run, each, *(peak for peak in peaks if peak and peak.device == each)))
        for each in devices
        if device in (None, each)
    )
