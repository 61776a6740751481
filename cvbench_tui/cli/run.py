"""``cvbench-tui run`` and ``show``: a run without the app. Progress on stderr, data on stdout."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from cvbench_tui.base.ending_signals import exit_code
from cvbench_tui.base.escape import visible
from cvbench_tui.base.nearest import nearest
from cvbench_tui.catalog.axes import axis_named, check_batch, check_image, check_phases, check_values
from cvbench_tui.catalog.environments import check_devices, code_in, named_environments, own_model_in
from cvbench_tui.catalog.model_layers import layers_named, resolved
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.own_code import looks_like_code
from cvbench_tui.catalog.presets import load_preset
from cvbench_tui.catalog.selection import Selection, check_device_name, to_plan, why_not_offered
from cvbench_tui.catalog.sources import SOURCES, names_source
from cvbench_tui.cli.outputs import Outputs, unfailing_stderr
from cvbench_tui.cli.signals import ending_signals
from cvbench_tui.core.environment import WAITING
from cvbench_tui.core.plan import NamedEnvironment
from cvbench_tui.core.protocol import Extra
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.peaks import PeakStore
from cvbench_tui.engine.session import Session
from cvbench_tui.errors import PresetError, SelectionError, StoreError, WorkerError
from cvbench_tui.results import storage
from cvbench_tui.results.machine_warnings import quota
from cvbench_tui.results.published.load import PREFIX, published, refuse
from cvbench_tui.results.stats.outcome import below_c
from cvbench_tui.results.stats.quality import cpu_instead
from cvbench_tui.results.stats.repeat import rows_to_resume
from cvbench_tui.results.storage import run_file
from cvbench_tui.results.storage import runs as store
from cvbench_tui.results.storage.history import remember
from cvbench_tui.results.storage.labels import checked, checked_tags
from cvbench_tui.results.storage.peak_cache import PeakCache, with_best
from cvbench_tui.results.storage.recorder import RunRecorder
from cvbench_tui.results.storage.run_log import RunLog, create_log
from cvbench_tui.results.text.units import duration_text

if TYPE_CHECKING:
    from cvbench_tui.cli.progress import Reporter
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.core.plan import Plan
    from cvbench_tui.engine.host.others import Watch


def selection_from(
    preset: str | None,
    models: Sequence[str] = (),
    layers: Sequence[str] = (),
    devices: Sequence[str] = (),
    batches: Sequence[str] = (),
    images: Sequence[str] = (),
    protocol: str | None = None,
    extras: Sequence[Extra] = (),
    settings: Mapping[str, Sequence[str]] = MappingProxyType({}),
    phases: Sequence[str] = (),
    env: Sequence[str] = (),
) -> Selection:
    """The preset, extended and changed by the other arguments. Raises SelectionError or PresetError."""
    base = _preset(preset) if preset else Selection("selection", (), (), None)
    ticked = list(base.models)
    environments = named_environments(env)
    there: list[tuple[str, ModelEntry]] = []  # own code as it is in folders of environments
    for name in models:
        ticked.append(find_model_or_code(name, ticked, environments))
        if ticked[-1].params:
            there += code_in(name, ticked[-1], environments)
    named = [(name, layers_named(name, lambda model: find_model_or_code(model, ticked))) for name in layers]
    chosen = {name: check_values(axis_named(name), values) for name, values in settings.items() if values}
    selection = replace(
        base,
        models=tuple(ticked),
        layers=base.layers + tuple(find_layer(name) for name, of in named if of is None),
        layers_of=tuple(of for _, of in named if of is not None),
        devices=tuple(check_device_name(name) for name in devices) or base.devices,
        batches=tuple(map(check_batch, batches)) or base.batches,
        images=tuple(map(check_image, images)) or base.images,
        protocol=protocol or base.protocol,
        extras=tuple(dict.fromkeys((*base.extras, *extras))),
        settings=tuple((dict(base.settings) | chosen).items()),
        phases=check_phases(phases) or base.phases,
        environments=environments,
        code_in=tuple(there),
    )
    if any(each.folder for each in environments) and any(of.model.params for of in selection.layers_of):
        hint = "Measure the model itself, or name its layers in a run of each folder."
        raise SelectionError("Layers of code of your own are not measured in folders of environments.", hint)
    if not selection.models and not selection.layers and not selection.layers_of:
        hint = "Name a preset, or models with -m and layers with -l: cvbench-tui list"
        raise SelectionError("Nothing to measure.", hint)
    return selection


def find_model_or_code(
    name: str, others: Iterable[ModelEntry] = (), environments: Sequence[NamedEnvironment] = ()
) -> ModelEntry:
    """The model of that name, or of the user's own code: only here, and where the app asks, is code named."""
    try:
        return find_model(name)
    except SelectionError as error:
        if not looks_like_code(name) or names_source(name):
            raise
        try:
            return own_model_in(name, environments, tuple(others))
        except SelectionError as problem:
            near = nearest(name.partition(":")[0], (source.name for source in SOURCES if source.name))
            layer = f"Or a layer of it: -l {shlex.quote(name)}." if _is_model(name.partition(":")[0]) else near
            problem.hint = f"{layer} {problem.hint}".strip()
            raise problem from error


def _is_model(name: str) -> bool:
    with suppress(SelectionError):
        return bool(find_model(name))
    return False


def _preset(name: str) -> Selection:
    """The preset of that name. Raises SelectionError or PresetError, whose hint has the option for a model or layer."""
    try:
        return load_preset(name)
    except (SelectionError, PresetError) as error:
        for option, find in (("-m", find_model_or_code), ("-l", find_layer)):
            with suppress(SelectionError):
                find(name)
                error.hint = f"{option} {shlex.quote(name)} measures it. {error.hint}".strip()
                break
        raise


@dataclass(frozen=True)
class How:
    """What the options say about a run as a whole."""

    wait: bool = False  # until no other run has the devices
    wait_idle_s: float | None = None  # longest wait for an idle machine; None: none
    strict: bool = False  # rows below C count as failed
    dry_run: bool = False  # print the plan and measure nothing
    name: str = ""  # of a new run
    tags: Sequence[str] = ()


def measure(selection: Selection, outputs: Outputs, how: How = How(), *, runs_dir: str | None = None) -> int:
    """Measure the selection and print its table. Returns the exit code."""

    def begin(source: LiveSource, environment: Environment) -> Begun:
        layers = resolved(selection.layers_of, selection.images, source.layers) if selection.layers_of else ()
        plan = to_plan(replace(selection, layers=selection.layers + layers, layers_of=()), environment)
        check_devices(source.probe_named(), plan)
        if selection.devices is None and (why := cpu_instead(plan, environment)):
            print(visible(why), file=sys.stderr, flush=True)  # noqa: T201
        session = Session(source, plan, name=name, tags=tags)
        return Begun(session, plan, lambda: create_log(folder, session.run_id), folder)

    outputs.check()
    others = tuple(each for each in selection.environments if each.where)
    folder = storage.runs_folder(runs_dir)
    name, tags = checked(how.name, folder) if how.name else "", checked_tags(how.tags, folder)
    source = live_source(runs_dir, cpu_only=selection.cpu_only, named=selection.code, environments=others)
    return drive(source, begin, outputs, how)


@dataclass(frozen=True)
class Begun:
    """A run that is to be driven."""

    session: Session
    plan: Plan  # what is measured now: of a run that is resumed the rows that it lacks
    open_log: Callable[[], RunLog]
    folder: Path  # of the runs, whose index is told of what came of it


def drive(source: LiveSource, begin: Callable[[LiveSource, Environment], Begun], outputs: Outputs, how: How) -> int:
    """Ask the source for the machine, make a run for it, drive it to its end, write and print what came of it. Returns
    the exit code: 1 too when something could not be written where it was to be."""
    from cvbench_tui.cli.plan_text import expected_problems, plan_lines
    from cvbench_tui.cli.progress import reporter

    with unfailing_stderr(), ending_signals() as ending:
        with closing(source), reporter(quiet=outputs.quiet, plain=outputs.plain) as progress:
            progress.message("starting the measuring process ...")
            environment = source.probe()
            begun = begin(source, environment)
            if how.dry_run:
                sys.stdout.write("\n".join(plan_lines(begun.plan, environment)) + "\n")
                return 0
            for line in expected_problems(begun.plan, environment):
                progress.message(line)
            source.wait_for_devices = how.wait
            _look_around(environment, source.watch(begun.plan), progress, how)
            try:
                ending.ends(begun.session)
            except RuntimeError as error:
                raise WorkerError(f"The run cannot be started: {error}.", "Look at the limits on threads.") from None
            run, recorder = _recorded(begun, progress, outputs)
        code = conclude(run, outputs, how, written=recorder.problem is None)
        if not recorder.lost and recorder.path.parent == begun.folder:
            remember(recorder.path, run)
        return code if ending.number is None else exit_code(ending.number)


def conclude(run: Run, outputs: Outputs, how: How, *, written: bool = True) -> int:
    """Write and print what came of the run. Returns the exit code. ``written``: its file is where it was to be."""
    outputs.finish(run)
    if run.ended == "failed":
        print(visible(f"cvbench-tui: {run.ended_sentence}"), file=sys.stderr)  # noqa: T201
    bad = _count_below_c(run) if how.strict else 0
    return int(bool(bad or outputs.failed or not written or run.ended == "failed" or run.failures))


def _recorded(begun: Begun, progress: Reporter, outputs: Outputs) -> tuple[Run, RunRecorder]:
    """Drive the session to its end. Returns the run, and what has written it."""
    run: Run | None = None

    def tell(problem: StoreError) -> None:
        print(visible(f"cvbench-tui: {problem.message} {problem.hint}"), file=sys.stderr)  # noqa: T201

    session = begun.session
    with RunRecorder(begun.open_log(), tell, session.cancel) as recorder:
        for event, run in session.run(recorder):
            outputs.event(event)
            progress.update(event, run)
    assert run is not None, "a session has a first and a last event"
    if not recorder.lost:
        progress.message(visible(f"run {session.run_id} is in {recorder.path}"))
        lacking = rows_to_resume(run)
        if lacking:
            command = f"cvbench-tui resume {shlex.quote(str(recorder.path))}"
            progress.message(visible(f"{command} measures the {plural(len(lacking), 'row')} it lacks."))
    return run, recorder


def _look_around(environment: Environment, watch: Watch, progress: Reporter, how: How) -> None:
    """Say what a quota and other programs take from the measurement, and whose run has a device; wait for an idle
    machine where that is wanted."""
    if sentence := quota(environment):
        progress.message(sentence)
    others = watch.look()
    if not others.busy:
        return
    wait_s = how.wait_idle_s
    if others.holder and how.wait:
        progress.message(f"{others.holder} Waiting until its run has ended.")
        watch.wait_for_devices()
        others = watch.look()
        if not others.busy:
            return
    if wait_s is None and others.holder:
        progress.message(f"{others.holder} The two runs disturb each other; --wait begins when that one has ended.")
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


def live_source(
    runs_dir: str | None,
    *,
    cpu_only: bool = False,
    named: Collection[ModelEntry] = (),
    environments: Sequence[NamedEnvironment] = (),
    peaks: PeakStore | None = None,
) -> LiveSource:
    """A worker's source, with the measured peaks that are kept in the runs folder, or in ``peaks``. It says on stderr
    when it waits for a driver. ``cpu_only``: NVIDIA's is not asked. ``named``: models of the user's own code that may
    be run. ``environments``: that may be started."""
    store = PeakCache(storage.runs_folder(runs_dir)) if peaks is None else peaks
    refuse = partial(why_not_offered, named=named, environments=environments)
    source = LiveSource(peaks=store, cpu_only=cpu_only, refuse=refuse, environments=environments)
    source.listen(show_waiting)
    return source


def show_waiting(line: str) -> None:
    """Print the worker's line on stderr when it says that a driver is waited for."""
    if line.startswith(WAITING):
        print(visible(f"{line} ..."), file=sys.stderr, flush=True)  # noqa: T201


def load_run(reference: str, runs_dir: str | None = None) -> Run:
    """The run of that reference, as ``find_run`` takes one, or of that name of published figures. Raises StoreError."""
    if reference.strip().startswith(PREFIX) and (shipped := published().get(reference.strip())) is not None:
        return shipped
    folder = storage.runs_folder(runs_dir)
    return with_best(run_file.load(find_run(reference, folder)), folder)


def find_run(reference: str, folder: Path) -> Path:
    """The file of the run of that path, id, unique beginning of one, name or tag, of 'last' or 'last~1'; of several of
    one name or tag the newest, which is said on stderr. Raises StoreError, SelectionError for published figures."""
    refuse(reference, "changed")
    return store.find(reference, folder, lambda sentence: print(visible(sentence), file=sys.stderr))  # noqa: T201
