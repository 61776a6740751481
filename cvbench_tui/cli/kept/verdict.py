"""``cvbench-tui verdict``: measures a few rows, or takes those of a run, and judges the device by them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cvbench_tui.base.atomic import check_destination, write_atomically
from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.presets import load_preset
from cvbench_tui.catalog.selection import devices_of, to_plan
from cvbench_tui.cli.outputs import Outputs, unfailing_stderr
from cvbench_tui.cli.run import Begun, How, drive, live_source, load_run
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.run import Run
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.peaks import MemoryStore
from cvbench_tui.engine.session import Session
from cvbench_tui.results import storage
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.peak_cache import PeakCache, with_best
from cvbench_tui.results.storage.run_log import create_log
from cvbench_tui.results.verdict.model import DeviceVerdict
from cvbench_tui.results.verdict.of_run import verdicts
from cvbench_tui.results.verdict.text import as_json as written
from cvbench_tui.results.verdict.text import lines

SUFFIXES = (".md", ".txt", ".json")
WIDTH = 100  # columns of a file


@dataclass
class _Kept(Outputs):
    """Keeps the run for the verdict instead of printing its table."""

    run: Run | None = None

    def finish(self, run: Run) -> None:
        """Take it."""
        self.run = run


def judge_device(
    device: str | None, files: Sequence[str], *, as_json: bool = False, quiet: bool = False, runs_dir: str | None = None
) -> int:
    """Measure the device, the machine's preferred one where none is named, and judge it. Returns the exit code. Raises
    SelectionError for a device that the machine lacks, StoreError for a file that cannot be written."""
    _check(files)
    folder = storage.runs_folder(runs_dir)
    fresh = MemoryStore()

    def begin(source: LiveSource, environment: Environment) -> Begun:
        (chosen,) = devices_of(None if device is None else (device,), environment)
        preset = load_preset("verdict-cpu" if chosen == "cpu" else "verdict")
        plan = to_plan(replace(preset, devices=(chosen,)), environment)
        session = Session(source, plan)
        return Begun(session, plan, lambda: create_log(folder, session.run_id), folder)

    outputs = _Kept(quiet=quiet)
    # the peaks are measured anew: what is kept of the device is what they are compared with
    source = live_source(runs_dir, cpu_only=device == "cpu", peaks=fresh)
    code = drive(source, begin, outputs, How())
    if outputs.run is None or outputs.run.ended != "finished":
        return code or 1
    run, cache = outputs.run, PeakCache(folder)
    found = _verdicts(with_best(run, folder), None, runs_dir)
    for peak in run.ceilings.values():
        if cache.get(peak.key) is None:
            cache.put(peak)
    return _show(found, files, as_json=as_json)


def judge_run(
    reference: str, device: str | None, files: Sequence[str], *, as_json: bool = False, runs_dir: str | None = None
) -> int:
    """Judge the devices of that run, or one of them. Returns the exit code. Raises StoreError or SelectionError."""
    _check(files)
    return _show(_verdicts(load_run(reference, runs_dir), device, runs_dir), files, as_json=as_json)


def _verdicts(run: Run, device: str | None, runs_dir: str | None) -> tuple[DeviceVerdict, ...]:
    history = History(storage.runs_folder(runs_dir))
    history.refresh()
    return verdicts(run, history, device)


def _check(files: Sequence[str]) -> None:
    for file in files:
        check_destination(Path(file), SUFFIXES)


def _show(found: Sequence[DeviceVerdict], files: Sequence[str], *, as_json: bool) -> int:
    text = written(found) if as_json else "\n".join(lines(found, shutil.get_terminal_size().columns)) + "\n"
    sys.stdout.write(text)
    with unfailing_stderr():
        for file in files:
            page = "\n".join(lines(found, WIDTH))
            kinds = {".json": written(found), ".md": f"```\n{page}\n```\n", ".txt": f"{page}\n"}
            write_atomically(Path(file), kinds[Path(file).suffix.lower()])
            print(visible(f"saved {file}"), file=sys.stderr)  # noqa: T201
    return 0 if all(each.standing == "fine" for each in found) else 1
