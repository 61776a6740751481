"""``cvbench-tui list``: what can be measured, and the saved runs, as columns or as JSON on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from cvbench_tui.base.cells import cell_len, set_cell_size, shorten
from cvbench_tui.base.collector import no_collection
from cvbench_tui.base.escape import one_line, visible
from cvbench_tui.base.nearest import name_key, nearest, quoted
from cvbench_tui.core.environment import Device
from cvbench_tui.core.text import plural
from cvbench_tui.errors import CvbenchError, SelectionError
from cvbench_tui.results.text.units import bytes_text, parameters_text

if TYPE_CHECKING:
    from cvbench_tui.catalog.layers import LayerEntry
    from cvbench_tui.results.storage.run_index import RunSummary

Entry = tuple[dict[str, Any], list[str]]  # as JSON, and as texts of columns
PLAN_CELLS = 60  # of a plan's name: the longest is that of a preset
BY_NAME = ("models", "layers", "presets")  # what can be named in a selection


def print_models(name: str, *, as_json: bool) -> None:
    """Print the models of that source or family, or with that in their names. Raises SelectionError for none."""
    from cvbench_tui.catalog.sources import SOURCES

    key, entries = name_key(name), list(_models())
    for source in SOURCES:
        sentence, hint = source.why_not()
        if sentence and source.name == key.partition(":")[0]:
            raise SelectionError(sentence, hint)
    chosen = [entry for entry in entries if key in (name_key(entry[0]["source"]), name_key(entry[0]["family"]))]
    chosen = chosen or [entry for entry in entries if any(key in name_key(entry[0][each]) for each in ("name", "op"))]
    if not chosen:
        known = dict.fromkeys(entry[0][each] for each in ("source", "family") for entry in entries)
        hint = f"{nearest(name, known)} Name a source (timm), a family (ResNet) or a part of names (resnet50)."
        raise SelectionError(f"No model is of {quoted(name)}.", hint.strip())
    _print("models", chosen, as_json=as_json)


def _print(kind: str, entries: Sequence[Entry], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps([row for row, _ in entries], indent=2) + "\n")
    else:
        sys.stdout.write(f"{kind} ({len(entries)})\n" + _columns([texts for _, texts in entries]) + "\n")


def print_list(kind: str | None, *, as_json: bool) -> None:
    """Print one list (a key of ``LISTS``), or for None all of ``BY_NAME``. As JSON, one list is an array and
    several are an object of arrays."""
    kinds = (kind,) if kind else BY_NAME
    lists = {one: list(LISTS[one]()) for one in kinds}
    if as_json and kind is None:
        found = {one: [row for row, _ in entries] for one, entries in lists.items()}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    for one, entries in lists.items():
        _print(one, entries, as_json=as_json)


def print_layers_of(name: str, *, as_json: bool) -> None:
    """Print the distinct layers of that model, which the worker is asked for. Raises SelectionError, WorkerError."""
    from cvbench_tui.catalog.model_layers import LayersOf, resolved
    from cvbench_tui.cli.run import find_model_or_code, live_source

    model = find_model_or_code(name)
    with closing(live_source(None, cpu_only=True)) as source:
        layers = resolved((LayersOf(model, "all"),), (), source.layers)
    rows = [_fields(each, "name", "input_shape", "description") | _counted(each) for each in layers]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    texts = [
        [
            row["name"],
            "x".join(map(str, row["input_shape"])),
            f"{row['count']}x",
            f"{row['share']:.1%}",
            row["description"],
        ]
        for row in rows
    ]
    sys.stdout.write(f"layers of {one_line(model.name)} ({len(rows)})\n")
    sys.stdout.write(_columns([[*map(one_line, each)] for each in texts]) + "\n")


def _counted(layer: LayerEntry) -> dict[str, Any]:
    params = dict(layer.params)
    return {key: params[key] for key in ("image", "count", "share")}


def _fields(item: object, *names: str) -> dict[str, Any]:
    return {name: getattr(item, name) for name in names}


def _models() -> Iterator[Entry]:
    from cvbench_tui.catalog.sources import all_models, source_of

    for model in all_models():
        source = source_of(model.op)
        row = _fields(model, "op", "family", "parameters", "gmacs", "image", "frames", "batch")
        side = f"{model.image} px" if model.frames is None else f"{model.frames} x {model.image} px"
        gmacs = "-" if model.gmacs is None else f"{model.gmacs:.2f} GMAC"
        weights = "-" if model.parameters is None else parameters_text(model.parameters)
        texts = [model.name, model.op, model.family, weights, gmacs, side, f"batch {model.batch}"]
        row |= {
            "source": (source.name or "torchvision") if source else "",
            "torchvision": model.op if source and not source.name else None,
        }
        yield {"name": model.name, **row}, texts


def _layers() -> Iterator[Entry]:
    from cvbench_tui.catalog.layers import LAYERS

    for layer in LAYERS:
        texts = [layer.name, layer.family, "x".join(map(str, layer.input_shape)), layer.description]
        yield _fields(layer, "name", "family", "input_shape", "description", "batch"), texts


def _axes() -> Iterator[Entry]:
    """Every value of every axis, and why devices of this machine cannot have it."""
    from cvbench_tui.catalog.axes import variants
    from cvbench_tui.catalog.models import MODELS
    from cvbench_tui.core.axes import AXES, unsupported
    from cvbench_tui.core.plan import Case

    try:
        devices = [device.id for device in _probed() if device.available]
    except CvbenchError as error:  # the values are of use without a machine
        devices = []
        print(visible(f"What this machine cannot do is not known: {error.message}"), file=sys.stderr)  # noqa: T201
    for axis in AXES:
        for value in axis.values:
            (settings,) = variants({axis.name: (value.name,)}, None)
            cases = [Case(MODELS[0].workload, device, 1, settings=settings) for device in devices]
            why = {case.device: sentence for case in cases if (sentence := unsupported(case))}
            row = {"axis": axis.name, "flag": axis.flag, "value": value.name, "default": value.name == axis.default}
            reasons = [f"not on {', '.join(where)}: {text}" for text, where in _grouped(why).items()]
            texts = [axis.name, value.name, "default" * (value.name == axis.default), "; ".join([value.help, *reasons])]
            yield {**row, "meaning": value.help, "not_on": why}, texts
        if axis.most is not None:
            meaning = f"so many {axis.unit}s"
            row = {"axis": axis.name, "flag": axis.flag, "value": f"1 to {axis.most}", "default": False}
            yield {**row, "meaning": meaning, "not_on": {}}, [axis.name, f"1 to {axis.most}", "", meaning]


def _grouped(reasons: dict[str, str]) -> dict[str, list[str]]:
    """The devices of each reason."""
    return {reason: [device for device in reasons if reasons[device] == reason] for reason in reasons.values()}


def _probed() -> tuple[Device, ...]:
    """The machine's devices. Raises WorkerError."""
    from cvbench_tui.cli.run import live_source

    with closing(live_source(None)) as source:
        return source.probe().devices


def _devices() -> Iterator[Entry]:
    for device in _probed():
        row = {"device": device.id, **_fields(device, "name", "memory_bytes", "available")}
        state = device.detail if device.available else f"not available: {device.reason}"
        texts = [*map(one_line, (device.id, device.name, bytes_text(device.memory_bytes), state))]
        yield {**row, "detail": device.detail or None, "reason": device.reason or None}, texts


def _presets() -> Iterator[Entry]:
    """A user's file may hold anything: its text is escaped."""
    from cvbench_tui.catalog.presets import preset_entries

    for entry in preset_entries():
        row = _fields(entry, "name", "workloads", "protocol", "description", "own") | {"problem": entry.problem or None}
        about = f"{'own: ' * entry.own}{entry.description}".removesuffix(": ")
        size = (plural(entry.workloads, "workload"), entry.protocol or "-")
        texts = [*size, about] if not entry.problem else ["not usable", "-", entry.problem]
        yield row, [*map(one_line, (entry.name, *texts))]


def print_runs(words: Sequence[str], wanted: Mapping[str, Any], *, as_json: bool, runs_dir: str | None) -> None:
    """Print the saved runs, or of the deleted ones those, that have these words and pass the options of
    ``cli.kept.keeping_commands``. Raises StoreError, and SelectionError for what is no date."""
    from cvbench_tui.results.storage import runs_folder
    from cvbench_tui.results.storage.deleted import deleted_folder
    from cvbench_tui.results.storage.run_filter import RunFilter, moment_of
    from cvbench_tui.results.storage.runs import list_runs

    kinds = {kind: wanted[kind] for kind in ("devices", "workloads", "labels", "tags") if kind in wanted}
    since_s = moment_of(wanted["since"], "--since") if "since" in wanted else None
    until_s = moment_of(wanted["until"], "--until", end=True) if "until" in wanted else None
    chosen = RunFilter(**kinds, since_s=since_s, until_s=until_s, words=words)
    folder = runs_folder(runs_dir)
    with no_collection():
        runs = list_runs(deleted_folder(folder) if wanted.get("deleted") else folder, check=False)
        lines = ((run, _run_texts(run)) for run in runs)
        # Rows are made only where they are printed: of 10,000 runs they take 0.1 s.
        entries = [
            (_run_row(run) if as_json else {}, texts)
            for run, texts in lines
            if chosen.passes(run, " ".join(texts) if words else "")
        ]
        _print("deleted runs" if wanted.get("deleted") else "runs", entries, as_json=as_json)


def _run_row(run: RunSummary) -> dict[str, Any]:
    row = {**_fields(run, "name", "id"), "started": _began(run) or None, "plan": run.plan_name, "rows": run.rows}
    row |= vars(run.counts) | {"ended": run.ended, "problem": run.problem or None, "path": str(run.path)}
    return row | _fields(run.contents, "label", "tags", "workloads", "devices", "settings")


def _run_texts(run: RunSummary) -> list[str]:
    of = run.contents
    state = f"unreadable: {run.problem}" if run.problem else f"{run.state}: {run.counts.text}"
    tags = f" [{', '.join(of.tags)}]" if of.tags else ""
    called = (shorten(run.title, PLAN_CELLS) or "-") + tags
    return [*map(one_line, (run.name, _began(run) or "-", called, of.text or "-", state))]


def _began(run: RunSummary) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.started_at_s)) if run.started_at_s else ""


def _published() -> Iterator[Entry]:
    """The runs of published figures, with their source, hardware and licence."""
    from cvbench_tui.results.published.load import published, source_of

    for run in published().values():
        source, rows = source_of(run), len(run.plan.cases)
        row = {"name": run.id, "rows": rows, **_fields(source, "device", "hardware", "source", "url", "licence")}
        yield row, [run.id, plural(rows, "row"), source.device, source.source, source.licence]


LISTS: dict[str, Callable[[], Iterator[Entry]]] = {
    "models": _models, "layers": _layers, "axes": _axes, "devices": _devices, "presets": _presets,
    "published": _published,
}  # fmt: skip


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Lines of aligned columns."""
    if not rows:
        return "  none"
    widths = [max(cell_len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(map(set_cell_size, row, widths)).rstrip() for row in rows)
