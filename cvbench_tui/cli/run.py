"""``cvbench-tui run`` and ``show``: a run without the app. Progress on stderr, data on stdout."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.base.choices import LAYOUTS, Layout
from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.presets import load_preset
from cvbench_tui.catalog.selection import Selection, check_batch, check_device_name, check_image, to_plan
from cvbench_tui.core.environment import WAITING
from cvbench_tui.core.protocol import Extra
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.errors import INTERRUPTED, PresetError, SelectionError
from cvbench_tui.results import storage
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.registry import check_writable, write_output
from cvbench_tui.results.machine_warnings import quota
from cvbench_tui.results.stats.outcome import below_c
from cvbench_tui.results.stats.quality import cpu_instead
from cvbench_tui.results.storage import run_file, run_log
from cvbench_tui.results.storage import runs as store
from cvbench_tui.results.storage.peak_cache import PeakCache, with_best
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import duration_text
from cvbench_tui.wire import encode

if TYPE_CHECKING:
    from cvbench_tui.cli.progress import Reporter
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.engine.others import Watch


@dataclass(frozen=True)
class Outputs:
    """Where a run's results go."""

    files: Sequence[str] = ()
    layout: Layout | None = None  # of markdown; None: short in files, a table of the terminal's width on a terminal
    quiet: bool = False
    json_lines: bool = False  # print events instead of the table
    plain: bool = False  # print lines and sentences only, for screen readers

    def check(self) -> None:
        """Raise StoreError for a file that cannot be written."""
        for file in self.files:
            check_writable(Path(file))

    def write(self, run: Run) -> None:
        """Write every file, and name it on stderr."""
        for file in self.files:
            write_output(run, Path(file), layout=self.layout or LAYOUTS[0])
            if not self.quiet:
                print(f"saved {file}", file=sys.stderr)  # noqa: T201


def selection_from(
    preset: str | None,
    models: Sequence[str] = (),
    layers: Sequence[str] = (),
    devices: Sequence[str] = (),
    batch: int | None = None,
    image: int | None = None,
    protocol: str | None = None,
    extras: Sequence[Extra] = (),
) -> Selection:
    """The preset, extended and changed by the other arguments. Raises SelectionError or PresetError."""
    base = _preset(preset) if preset else Selection("selection", (), (), None, None, None, "default")
    selection = replace(
        base,
        models=base.models + tuple(find_model(name) for name in models),
        layers=base.layers + tuple(find_layer(name) for name in layers),
        devices=tuple(check_device_name(name) for name in devices) or base.devices,
        batch=check_batch(batch) if batch is not None else base.batch,
        image=check_image(image) if image is not None else base.image,
        protocol=protocol or base.protocol,
        extras=tuple(dict.fromkeys((*base.extras, *extras))),
    )
    if not selection.models and not selection.layers:
        hint = "Name a preset, or models with -m and layers with -l: cvbench-tui list"
        raise SelectionError("Nothing to measure.", hint)
    return selection


def _preset(name: str) -> Selection:
    """The preset of that name. Raises SelectionError or PresetError, whose hint has the option for a model or layer."""
    try:
        return load_preset(name)
    except (SelectionError, PresetError) as error:
        for option, find in (("-m", find_model), ("-l", find_layer)):
            with suppress(SelectionError):
                find(name)
                error.hint = f"{option} {shlex.quote(name)} measures it. {error.hint}".strip()
                break
        raise


@dataclass(frozen=True)
class How:
    """What the options say about a run as a whole."""

    wait_idle_s: float | None = None  # longest wait for an idle machine; None: none
    strict: bool = False  # rows below C count as failed
    dry_run: bool = False  # print the plan and measure nothing


def measure(selection: Selection, outputs: Outputs, how: How = How(), *, runs_dir: str | None = None) -> int:
    """Measure the selection and print its table. Returns the exit code."""
    from cvbench_tui.cli.plan_text import expected_problems, plan_lines
    from cvbench_tui.cli.progress import reporter

    outputs.check()
    source = live_source(runs_dir, cpu_only=selection.cpu_only)
    with closing(source), reporter(quiet=outputs.quiet, plain=outputs.plain) as progress:
        progress.message("starting the measuring process ...")
        environment = source.probe()
        plan = to_plan(selection, environment)
        if selection.devices is None and (why := cpu_instead(plan, environment)):
            print(visible(why), file=sys.stderr, flush=True)  # noqa: T201
        if how.dry_run:
            sys.stdout.write("\n".join(plan_lines(plan, environment)) + "\n")
            return 0
        for line in expected_problems(plan, environment):
            progress.message(line)
        _look_around(environment, source.watch(plan), progress, how.wait_idle_s)
        run, interrupted = _drive(Session(source, plan), progress, outputs, storage.runs_folder(runs_dir))
    outputs.write(run)
    if not outputs.json_lines:
        print_run(run, outputs.layout, plain=outputs.plain)
    if run.ended == "failed":
        print(f"cvbench-tui: {run.ended_sentence}", file=sys.stderr)  # noqa: T201
    bad = _count_below_c(run) if how.strict else 0
    return INTERRUPTED if interrupted else 1 if run.failures or run.ended == "failed" or bad else 0


def _look_around(environment: Environment, watch: Watch, progress: Reporter, wait_s: float | None) -> None:
    """Say what a quota and other programs take from the measurement; wait for an idle machine where that is wanted."""
    if sentence := quota(environment):
        progress.message(sentence)
    others = watch.look()
    if not others.busy:
        return
    if wait_s is None:
        progress.message(f"{others.sentence} Close them, or wait: --wait-idle 5m.")
        return
    progress.message(f"{others.use}: waiting at most {duration_text(wait_s)} until they have left.")
    idle = watch.wait(wait_s)
    progress.message("The machine is idle." if idle else "The machine is still busy, and is measured as it is.")


def _count_below_c(run: Run) -> int:
    """Count the rows below C on stderr: without valid numbers, however they came to that."""
    bad = len(below_c(run))
    print(f"{bad} of {plural(len(run.plan.cases), 'row')} below C.", file=sys.stderr)  # noqa: T201
    return bad


def run_without_app(why: str, *, runs_dir: str | None = None) -> int:
    """Measure the preset ``quick`` where the app cannot run, for the reason ``why``. Returns the exit code."""
    plain = os.environ.get("TERM") == "dumb"
    command = "cvbench-tui run quick" + " --plain" * plain
    print(f"{why} Running '{command}' instead.", file=sys.stderr)  # noqa: T201
    return measure(load_preset("quick"), Outputs(plain=plain), runs_dir=runs_dir)


def live_source(runs_dir: str | None, *, cpu_only: bool = False) -> LiveSource:
    """A worker's source, with the measured peaks that are kept in the runs folder. It says on stderr when it waits for
    a driver. ``cpu_only``: NVIDIA's is not asked."""
    source = LiveSource(peaks=PeakCache(storage.runs_folder(runs_dir)), cpu_only=cpu_only)
    source.listen(show_waiting)
    return source


def show_waiting(line: str) -> None:
    """Print the worker's line on stderr when it says that a driver is waited for."""
    if line.startswith(WAITING):
        print(f"{line} ...", file=sys.stderr, flush=True)  # noqa: T201


def load_run(reference: str, runs_dir: str | None = None) -> Run:
    """The run of that path, id, unique prefix, or 'last'. Raises StoreError."""
    folder = storage.runs_folder(runs_dir)
    return with_best(run_file.load(store.find(reference, folder)), folder)


def print_run(run: Run, layout: Layout | None, *, plain: bool = False, view: View | None = None) -> None:
    """Print the run on stdout: as sentences, as a table of the terminal's width, or as markdown."""
    if plain:
        sys.stdout.write(sentences(run, view))
    elif layout is None and sys.stdout.isatty():
        from cvbench_tui.cli.progress import print_table

        print_table(run, view)
    else:
        sys.stdout.write(render(run, layout or LAYOUTS[0], view))


def _drive(session: Session, progress: Reporter, outputs: Outputs, folder: Path) -> tuple[Run, bool]:
    """Iterate the session to its end. Returns the run, and whether it was interrupted."""
    run: Run | None = None
    with run_log.create_log(folder, session.run_id) as log, _interruptible(session) as interrupts:
        for event, run in session.run(log):
            if outputs.json_lines:
                sys.stdout.write(encode(event) + "\n")
                sys.stdout.flush()
            progress.update(event, run)
        progress.message(f"run {session.run_id} is in {log.path}")
    assert run is not None
    return run, bool(interrupts)


@contextmanager
def _interruptible(session: Session) -> Iterator[list[int]]:
    """Make SIGINT and SIGTERM cancel the run, whose finished rows are kept; a second signal ends the program."""
    signals: list[int] = []

    def cancel(number: int, _frame: object) -> None:
        if signals:
            signal.signal(number, signal.SIG_DFL)
        signals.append(number)
        session.cancel()

    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
