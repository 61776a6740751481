"""The manual's tables of axes, keys, columns, formats, reasons, notices and published figures, and its example: writes
them between the markers of its pages.

python docs/make_tables.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.binding import Binding

from cvbench_tui.core.axes import AXES
from cvbench_tui.core.grading.reasons import NOTICES, REASONS
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.registry import EXPORTERS
from cvbench_tui.results.published.load import published, source_of
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.tui.places import places

ROOT = Path(__file__).parents[1]
NAMES = {
    "comma": ",", "full_stop": ".", "slash": "/", "question_mark": "?", "semicolon": ";", "pageup": "PageUp",
    "pagedown": "PageDown", "minus": "-", "plus": "+", "enter": "Enter", "escape": "Escape", "space": "Space",
}  # fmt: skip


def key_tables() -> str:
    """A table of every place: the keys, what they do, and the name that ``config.toml`` maps them by."""
    blocks = []
    for title, bindings in places():
        rows = [f"| {_keys(binding)} | {_words(binding)} | `{binding.id}` |" for binding in bindings]
        blocks.append("\n".join([f"| {title.lower()} | what it does | name |", "|---|---|---|", *rows]))
    return "\n\n".join(blocks)


def _keys(binding: Binding) -> str:
    return " ".join(f"`{_name(key)}`" for key in binding.key.split(","))


def _name(key: str) -> str:
    *modifiers, last = key.split("+")
    shown = NAMES.get(last) or (last if len(last) == 1 else last.capitalize())
    return "+".join([*(each.capitalize() for each in modifiers), shown.upper() if modifiers else shown])


def _words(binding: Binding) -> str:
    words = binding.tooltip or binding.description
    return words[0].lower() + words[1:]


def column_table() -> str:
    """Every column, its name for ``--sort`` and in ``config.toml``, its heading in CSV, and what it says."""
    rows = [
        f"| {column.heading} | `{column.key}` | {f'`{column.file_name}`' if column.file_name else ''} | {column.help} |"
        for column in COLUMNS
    ]
    return "\n".join(["| column | name | in CSV | what it says |", "|---|---|---|---|", *rows])


def format_table() -> str:
    """Every format that a run is saved in."""
    rows = [f"| `{suffix}` | {exporter.label} |" for suffix, exporter in EXPORTERS.items()]
    return "\n".join(["| suffix | what is written |", "|---|---|", *rows])


def reason_table() -> str:
    """Every reason, its mark, and what can be done about it."""
    rows = [f"| `{code}` | {kind.word} | {kind.meaning} | {kind.remedy} |" for code, kind in REASONS.items()]
    return "\n".join(["| reason | mark | what it is | what to do |", "|---|---|---|---|", *rows])


def notice_table() -> str:
    """Every notice, and what can be done about it."""
    rows = [f"| `{code}` | {kind.meaning} | {kind.remedy or 'nothing'} |" for code, kind in NOTICES.items()]
    return "\n".join(["| notice | what it is | what to do |", "|---|---|---|", *rows])


def axis_table() -> str:
    """Every axis: its flag, its key in preset files, its values and what they mean."""
    rows = []
    for axis in AXES:
        values = [f"`{value.name}`: {value.help}" for value in axis.values]
        values += [f"a number from 1 to {axis.most}"] * (axis.most is not None)
        rows.append(f"| {axis.title} | `{axis.flag}` | `{axis.name}` | {axis.help} | {'; '.join(values)} |")
    return "\n".join(
        ["| axis | flag | in files | what it is | values, the default first |", "|---|---|---|---|---|", *rows]
    )


def published_table() -> str:
    """Every run of published figures."""
    lines = ["| name | rows | device | source | licence |", "|---|---|---|---|---|"]
    for run in published().values():
        of = source_of(run)
        lines.append(f"| `{run.id}` | {len(run.plan.cases)} | {of.device} | [{of.source}]({of.url}) | {of.licence} |")
    return "\n".join(lines)


def published_notes() -> str:
    """How each set of them was made, and how it is read."""
    lines = []
    for run in published().values():
        lines.append(f"**{run.id}**: {source_of(run).hardware}.")
        sets = {figure.of: run.plan.case(key) for key, figure in run.figures.items()}
        for of, case in sets.items():
            what = f"{case.framework}, {case.workload.kind}s"
            lines.append(f"- {what}: {of.software}. {of.precision}, {of.statistic}. {' '.join(of.notes)}")
        rows = {f"{run.plan.case(key).workload.name}, {run.plan.case(key).framework}: {' '.join(figure.notes)}"
                for key, figure in run.figures.items() if figure.notes}  # fmt: skip
        lines += [f"- {each}" for each in sorted(rows)] + [""]
    return "\n".join(lines).rstrip()


def example_table() -> str:
    """The recorded run as ``-o table.md`` writes it."""
    return render(load(ROOT / "docs" / "example.jsonl"), "short").rstrip()


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "axes": ("docs/settings.md", axis_table),
    "keys": ("README.md", key_tables),
    "example": ("README.md", example_table),
    "columns": ("docs/table.md", column_table),
    "formats": ("docs/table.md", format_table),
    "reasons": ("docs/methodology.md", reason_table),
    "notices": ("docs/methodology.md", notice_table),
    "published": ("docs/published.md", published_table),
    "published-notes": ("docs/published.md", published_notes),
}
"""The page of each table, by the name in its markers."""


def with_table(page: str, name: str) -> str:
    """The page with that table as it is now. Raises ValueError without its markers."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    return f"{page[: page.index(begin)]}{begin}\n{TABLES[name][1]()}\n{page[page.index(end) :]}"


if __name__ == "__main__":
    for name, (path, _) in TABLES.items():
        (ROOT / path).write_text(with_table((ROOT / path).read_text(), name))
