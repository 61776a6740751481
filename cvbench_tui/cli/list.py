"""``cvbench-tui list``: what can be measured, and the saved runs, as columns or as JSON on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from cvbench_tui.base.cells import cell_len, set_cell_size
from cvbench_tui.base.escape import one_line
from cvbench_tui.core.text import plural
from cvbench_tui.results.text.units import bytes_text, parameters_text

Row = dict[str, Any]
BY_NAME = ("models", "layers", "presets")  # what can be named in a selection


def print_list(kind: str | None, *, as_json: bool, runs_dir: str | None) -> None:
    """Print one list (models, layers, devices, presets, runs), or for None all of ``BY_NAME``.

    As JSON, one list is an array and several are an object of arrays.
    """
    kinds = (kind,) if kind else BY_NAME
    lists = {one: _runs(runs_dir) if one == "runs" else _ROWS[one]() for one in kinds}
    if as_json:
        sys.stdout.write(json.dumps(lists[kind] if kind else lists, indent=2) + "\n")
        return
    for one, rows in lists.items():
        sys.stdout.write(f"{one} ({len(rows)})\n" + _columns([_TEXT[one](row) for row in rows]) + "\n")


def _fields(item: object, *names: str) -> Row:
    return {name: getattr(item, name) for name in names}


def _models() -> list[Row]:
    from cvbench_tui.catalog.models import MODELS

    names = ("family", "parameters", "gmacs", "image", "batch")
    return [{"name": model.name, "torchvision": model.op, **_fields(model, *names)} for model in MODELS]


def _layers() -> list[Row]:
    from cvbench_tui.catalog.layers import LAYERS

    return [_fields(layer, "name", "family", "input_shape", "description", "batch") for layer in LAYERS]


def _devices() -> list[Row]:
    from cvbench_tui.engine.live import LiveSource

    source = LiveSource()
    try:
        devices = source.probe().devices
    finally:
        source.close()
    return [
        {
            "device": device.id,
            **_fields(device, "name", "memory_bytes", "available"),
            "detail": device.detail or None,
            "reason": device.reason or None,
        }
        for device in devices
    ]


def _presets() -> list[Row]:
    from cvbench_tui.catalog.presets import preset_entries

    return [
        {**_fields(entry, "name", "workloads", "protocol", "description", "own"), "problem": entry.problem or None}
        for entry in preset_entries()
    ]


def _runs(runs_dir: str | None) -> list[Row]:
    from cvbench_tui.results.storage import runs_folder
    from cvbench_tui.results.storage.runs import list_runs

    return [
        {
            "id": run.id,
            "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.started_at_s)) if run.started_at_s else None,
            "plan": run.plan_name,
            **_fields(run, "rows", "measured", "failed", "ended"),
            "problem": run.problem or None,
            "path": str(run.path),
        }
        for run in list_runs(runs_folder(runs_dir))
    ]


def _model_text(row: Row) -> list[str]:
    size = (parameters_text(row["parameters"]), f"{row['gmacs']:.2f} GMAC", f"{row['image']} px")
    return [row["name"], row["torchvision"], row["family"], *size, f"batch {row['batch']}"]


def _layer_text(row: Row) -> list[str]:
    return [row["name"], row["family"], "x".join(map(str, row["input_shape"])), row["description"]]


def _device_text(row: Row) -> list[str]:
    state = row["detail"] or "" if row["available"] else f"not available: {row['reason']}"
    return [row["device"], row["name"], bytes_text(row["memory_bytes"]), state]


def _preset_text(row: Row) -> list[str]:
    """A user's file may hold anything: its text is escaped."""
    if row["problem"]:
        return [one_line(row["name"]), "not usable", "-", one_line(row["problem"])]
    own = "own: " if row["own"] else ""
    about = one_line(f"{own}{row['description']}".removesuffix(": "))
    return [one_line(row["name"]), plural(row["workloads"], "workload"), row["protocol"] or "-", about]


def _run_text(row: Row) -> list[str]:
    if row["problem"]:
        return [row["id"], row["started"] or "-", row["plan"] or "-", f"unreadable: {row['problem']}"]
    state = f"{row['measured']} of {row['rows']} measured, {row['failed']} failed, {row['ended'] or 'interrupted'}"
    return [row["id"], row["started"], row["plan"], state]


_ROWS = {"models": _models, "layers": _layers, "devices": _devices, "presets": _presets}
_TEXT = {
    "models": _model_text,
    "layers": _layer_text,
    "devices": _device_text,
    "presets": _preset_text,
    "runs": _run_text,
}


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Lines of aligned columns."""
    if not rows:
        return "  none"
    widths = [max(cell_len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(map(set_cell_size, row, widths)).rstrip() for row in rows)
