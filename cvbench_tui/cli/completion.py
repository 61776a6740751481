"""Names for the shell's completion. Works on the last piece of a comma-separated list."""

from __future__ import annotations

from collections.abc import Iterable


def names(kind: str, incomplete: str) -> list[str]:
    """Names of that kind that begin with what is typed; any error means no suggestion."""
    before, comma, piece = incomplete.rpartition(",")
    return [before + comma + name for name in _all(kind) if name.lower().startswith(piece.lower())]


def _all(kind: str) -> Iterable[str]:
    """Every name of that kind."""
    if kind == "models":
        from cvbench_tui.catalog.models import MODELS

        return [model.op for model in MODELS]
    if kind == "layers":
        from cvbench_tui.catalog.layers import LAYERS

        return [layer.name for layer in LAYERS]
    if kind == "presets":
        from cvbench_tui.catalog.presets import preset_entries

        return [entry.name for entry in preset_entries() if not entry.problem]
    if kind == "columns":
        from cvbench_tui.results.table.columns import COLUMNS

        return [column.key for column in COLUMNS]
    from cvbench_tui.results.storage.runs import list_runs, runs_folder

    return ["last", *(run.id for run in list_runs(runs_folder()))]
