"""``cvbench-tui list``: what can be measured and which runs there are, as columns or as JSON, on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from cvbench_tui.base.escape import one_line
from cvbench_tui.errors import CvbenchError
from cvbench_tui.results.text.units import bytes_text, parameters_text

Row = dict[str, Any]
EVERYTHING = ("models", "layers", "presets")


def print_list(kind: str | None, *, as_json: bool, runs_dir: str | None) -> None:
    """Print one list: models, layers, devices, presets, runs; or, for None, what can be measured by name.

    As JSON, one list is an array and several are an object of arrays.
    """
    kinds = (kind,) if kind else EVERYTHING
    lists = {one: _runs(runs_dir) if one == "runs" else _ROWS[one]() for one in kinds}
    if as_json:
        sys.stdout.write(json.dumps(lists[kind] if kind else lists, indent=2) + "\n")
        return
    for one, rows in lists.items():
        sys.stdout.write(f"{one} ({len(rows)})\n" + _columns([_TEXT[one](row) for row in rows]) + "\n")


def _models() -> list[Row]:
    from cvbench_tui.catalog.models import MODELS

    return [
        {
            "name": model.name,
            "torchvision": model.op,
            "family": model.family,
            "parameters": model.parameters,
            "gmacs": model.gmacs,
            "image": model.image,
            "batch": model.batch,
        }
        for model in MODELS
    ]


def _layers() -> list[Row]:
    from cvbench_tui.catalog.layers import LAYERS

    return [
        {
            "name": layer.name,
            "family": layer.family,
            "input_shape": list(layer.input_shape),
            "description": layer.description,
            "batch": layer.batch,
        }
        for layer in LAYERS
    ]


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
            "name": device.name,
            "memory_bytes": device.memory_bytes,
            "available": device.available,
            "detail": device.detail or None,
            "reason": device.reason or None,
        }
        for device in devices
    ]


def _presets() -> list[Row]:
    from cvbench_tui.catalog.presets import preset_entries

    return [
        {
            "name": entry.name,
            "workloads": entry.workloads,
            "protocol": None if entry.problem else _protocol(entry.name),
            "description": entry.description,
            "own": entry.own,
            "problem": entry.problem or None,
        }
        for entry in preset_entries()
    ]


def _protocol(preset: str) -> str | None:
    """The preset's protocol; None when its file has gone bad since it was listed."""
    from cvbench_tui.catalog.presets import load_preset

    try:
        return load_preset(preset).protocol
    except CvbenchError:
        return None


def _runs(runs_dir: str | None) -> list[Row]:
    from cvbench_tui.results.storage.runs import list_runs, runs_folder

    return [
        {
            "id": run.id,
            "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.started_at_s)) if run.started_at_s else None,
            "plan": run.plan_name,
            "rows": run.rows,
            "measured": run.measured,
            "failed": run.failed,
            "ended": run.ended,
            "problem": run.problem or None,
            "path": str(run.path),
        }
        for run in list_runs(runs_folder(runs_dir))
    ]


def _device_text(row: Row) -> list[str]:
    state = row["detail"] or "" if row["available"] else f"not available: {row['reason']}"
    return [row["device"], row["name"], bytes_text(row["memory_bytes"]), state]


def _preset_text(row: Row) -> list[str]:
    """Own files are from outside: what they say is shown as it is."""
    if row["problem"]:
        return [one_line(row["name"]), "not usable", "-", one_line(row["problem"])]
    own = "own: " if row["own"] else ""
    about = one_line(f"{own}{row['description']}".removesuffix(": "))
    return [one_line(row["name"]), f"{row['workloads']} workloads", row["protocol"] or "-", about]


def _run_text(row: Row) -> list[str]:
    if row["problem"]:
        return [row["id"], row["started"] or "-", row["plan"] or "-", f"unreadable: {row['problem']}"]
    state = f"{row['measured']} of {row['rows']} measured, {row['failed']} failed, {row['ended'] or 'interrupted'}"
    return [row["id"], row["started"], row["plan"], state]


_ROWS = {"models": _models, "layers": _layers, "devices": _devices, "presets": _presets}
_TEXT = {
    "models": lambda row: [
        row["name"],
        row["torchvision"],
        row["family"],
        parameters_text(row["parameters"]),
        f"{row['gmacs']:.2f} GMAC",
        f"{row['image']} px",
        f"batch {row['batch']}",
    ],
    "layers": lambda row: [
        row["name"],
        row["family"],
        "x".join(map(str, row["input_shape"])),
        row["description"],
    ],
    "devices": _device_text,
    "presets": _preset_text,
    "runs": _run_text,
}


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Lines with aligned columns."""
    if not rows:
        return "  none"
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
