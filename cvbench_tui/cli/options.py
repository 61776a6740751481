"""Options that several commands share, and the shell's completion of names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce, wraps
from pathlib import Path
from typing import Any

import click

from cvbench_tui.base.choices import LAYOUT_HELP, LAYOUTS, Layout
from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.catalog.axes import COMPARED, SIDES, split
from cvbench_tui.cli.ascii_streams import only_ascii
from cvbench_tui.cli.single_options import SPLIT
from cvbench_tui.core.axes import LISTED, Axis
from cvbench_tui.core.axes import axis as axis_of
from cvbench_tui.core.measurement import PHASES
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.compare.export.registry import FORMATS
from cvbench_tui.results.export.registry import EXPORTERS

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
PERCENT = re.compile(r"(\d{1,4}(?:\.\d{1,9})?)\s*%")
MOST_SHARE = 10.0  # beyond it a percentage is a slip of the finger
MAX_DURATION_S = 30 * 86400.0
CARDS = Path("/proc/driver/nvidia/gpus")  # one folder for each NVIDIA card


def complete(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Completion of names of that kind, in the last piece of a comma-separated list."""

    def matching(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        before, comma, piece = incomplete.rpartition(",")
        return [before + comma + name for name in _names(kind) if name.lower().startswith(piece.lower())]

    return matching


def _names(kind: str) -> Iterable[str]:
    """Every name of that kind."""
    if kind == "models":
        from cvbench_tui.catalog.sources import all_models

        return [model.op for model in all_models()]
    if kind == "layers":
        from cvbench_tui.catalog.layers import LAYERS

        return [layer.name for layer in LAYERS]
    if kind == "presets":
        from cvbench_tui.catalog.presets import preset_entries

        return [entry.name for entry in preset_entries() if not entry.problem and _plain(entry.name)]
    if kind == "columns":
        from cvbench_tui.results.table.columns import COLUMNS

        return [column.key for column in COLUMNS if not column.drawn]
    if kind in ("compared", "sides"):
        return [name.replace("_", "-") for name in (COMPARED if kind == "compared" else SIDES)]
    if kind == "phases":
        return PHASES
    if kind == "batches":
        return ["max"]
    if (axis := axis_of(kind)) is not None:
        return [value.name for value in axis.values]
    if kind == "devices":  # all that there may be: asking PyTorch would take seconds
        cards = len(list(CARDS.glob("*")))
        return ["cpu", *(f"cuda:{number}" for number in range(max(1, cards))), "mps", "xpu:0"]
    from cvbench_tui.results.published.load import published
    from cvbench_tui.results.storage import run_index, runs_folder
    from cvbench_tui.results.storage.runs import run_names

    folder = runs_folder()
    called = [file.summary.contents for file in run_index.load(folder, times=False).values()]
    labels = dict.fromkeys(label for each in called for label in (each.label, *each.tags) if label)
    return ["last", *filter(_plain, (*run_names(folder), *labels)), *published()]


def _plain(name: str) -> bool:
    """True for a name that every shell takes as it is. bash puts what is offered into the command line without quotes:
    a run of the id ``$(command)`` in a shared folder was executed with the next Enter."""
    return all(letter.isalnum() or letter in "._-" for letter in name) and not name.startswith("-")


def _complete_output(
    suffixes: Iterable[str], _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[Any]:
    """The name with each suffix that can be written; without a name yet, the files there are."""
    from click.shell_completion import CompletionItem

    stem, suffix = os.path.splitext(incomplete)
    named = [stem + each for each in suffixes if os.path.basename(stem) and each.startswith(suffix or ".")]
    # Never both: in bash an item of type file clears those before it.
    return [*map(CompletionItem, named)] or [CompletionItem(incomplete, type="file")]


def _inherit(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """The value of an option that may also stand before the command. Raises SelectionError for two values."""
    before = context.parent.params.get(parameter.name or "") if context.parent else None
    if value and before and value != before:
        given = f"{parameter.opts[0]} is given twice: {quoted(str(before))} and {quoted(str(value))}."
        raise SelectionError(given, "Leave one out.")
    return value or before or value


def _duration_s(_context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Seconds of ``90``, ``90s``, ``5m`` or ``1h``, 30 days at most. Raises SelectionError."""
    if value is None:
        return None
    found, option = DURATION.fullmatch(value.strip().lower()), parameter.opts[0]
    if found is None:
        hint = f"Name seconds, minutes or hours: {option} 5m"
        raise SelectionError(f"{option} {quoted(value)} is not a duration.", hint)
    seconds = float(found[1]) * SECONDS[found[2]]
    if seconds > MAX_DURATION_S:
        raise SelectionError(f"{option} {quoted(value)} is too long.", f"At most 720h: {option} 5m")
    return seconds


def _percent(_context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """The share of ``5%`` or ``0.5%``, below 1,000%. Raises SelectionError: a number without the sign may be meant as a
    share."""
    if value is None:
        return None
    found, option = PERCENT.fullmatch(value.strip()), parameter.opts[0]
    share = float(found[1]) / 100 if found is not None else MOST_SHARE
    if share >= MOST_SHARE:
        hint = f"Write a number with its sign, from 0% to below 1000%: {option} 5%"
        raise SelectionError(f"{option} {quoted(value)} is not a percentage.", hint)
    return share


preset_argument = click.argument("preset", required=False, shell_complete=complete("presets"))
run_argument = click.argument("run_reference", metavar="[RUN]", default="last", shell_complete=complete("runs"))
runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(),
    callback=_inherit,
    help="Folder of the run files. Default: the data directory, or CVBENCH_RUNS_DIR.",
)
ascii_option = click.option("--ascii", "ascii_only", is_flag=True, callback=_inherit, help="Draw and print ASCII only.")
plain_option = click.option(
    "--plain", is_flag=True, help="Lines and sentences instead of a progress bar and a table, for screen readers."
)
layout_option = click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    help="Markdown layout. " + "; ".join(f"{layout}: {help_text}" for layout, help_text in LAYOUT_HELP.items()) + ".",
)


def _compared(
    _context: click.Context, parameter: click.Parameter, value: str | None, known: Sequence[str] = COMPARED
) -> str:
    """The axis as files write it, empty for none. Raises SelectionError naming the nearest."""
    key = (value or "").strip().casefold().replace("-", "_")
    if value is not None and key not in known:
        names = [name.replace("_", "-") for name in known]
        hint = f"{nearest(key.replace('_', '-'), names, 1)} Axes: {', '.join(names)}.".lstrip()
        raise SelectionError(f"{parameter.opts[0]} has no axis {quoted(value)}.", hint)
    return key


beside_option = click.option(
    "--beside", metavar="RUN,RUN", type=SPLIT, default=(), shell_complete=complete("runs"),
    help="Runs, or published figures, whose rows of the same workloads stand beside.",
)  # fmt: skip
sort_option = click.option("--sort", help="Column to sort by.", shell_complete=complete("columns"))
descending_option = click.option("--descending", is_flag=True, help="Largest first.")
compare_option = click.option(
    "--compare", metavar="AXIS", callback=_compared, shell_complete=complete("compared"),
    help="Compare and rank rows along batch, image or a setting: vs ref has the ratios to its default.",
)  # fmt: skip


env_option = click.option(
    "--env", "environments", metavar="NAME=WHERE", multiple=True,
    help="Measure every row there too: WHERE is a Python with torch, or a folder whose code comes first, such as a git"
    " worktree. Repeat it for the other side; NAME is a value of the axis env.",
)  # fmt: skip
alternate_option = click.option(
    "--alternate", metavar="AXIS", callback=_compared, shell_complete=complete("compared"),
    help="Measure rows that differ in AXIS alone in turn, each visit in a fresh process, until their ratio is precise.",
)  # fmt: skip


def output_option(suffixes: Iterable[str] = tuple(EXPORTERS), *, required: bool = False) -> Callable[[Any], Any]:
    """Files to save in, in the formats of these suffixes."""
    return click.option(
        "-o", "--output", multiple=True, required=required, type=click.Path(),
        shell_complete=partial(_complete_output, suffixes),
        help=f"Save as {' '.join(suffixes)}, by the suffix; may be repeated.",
    )  # fmt: skip


comparing_output_option = output_option(tuple(FORMATS))
along_option = click.option(
    "--along", metavar="AXIS", callback=partial(_compared, known=SIDES), shell_complete=complete("sides"),
    help="What is compared: batch, image, a setting or device. Of one run its values are laid side by side.",
)  # fmt: skip
bound_option = click.option(
    "--bound", metavar="1%", callback=_percent,
    help="A difference that is surely below it is called the same. Default: 1%.",
)  # fmt: skip
margin_option = click.option(
    "--fail-slower", "margin", metavar="5%", callback=_percent,
    help="Exit code 1 where a row is slower by more than that for certain, and only then.",
)  # fmt: skip


MEASURING = (
    layout_option,
    compare_option,
    output_option(),
    click.option("-q", "--quiet", is_flag=True, help="No progress on stderr."),
    plain_option,
    click.option("--json-lines", is_flag=True, help="Print every event as a JSON line instead of the table."),
    click.option("--wait", is_flag=True, help="Wait until no other run of cvbench-tui measures on the devices."),
    click.option(
        "--wait-idle", "wait_idle_s", metavar="DURATION", callback=_duration_s,
        help="Wait at most so long (90s, 5m, 1h) until other programs leave the cores and cards, then measure anyway.",
    ),
    click.option(
        "--strict", is_flag=True, help="Exit code 1 also for rows graded below C, and count them on stderr."
    ),
    click.option(
        "--dry-run", is_flag=True, help="Print the rows and the expected duration, and measure nothing."
    ),
    ascii_option,
    runs_dir_option,
)  # fmt: skip


def measuring(command: Callable[..., int]) -> Callable[..., int]:
    """The options of a command that measures, which gets them as ``outputs``, ``how`` and ``runs_dir``."""

    @wraps(command)
    def with_outputs(
        *,
        layout: Layout | None,
        compare: str,
        output: tuple[str, ...],
        quiet: bool,
        plain: bool,
        json_lines: bool,
        wait: bool,
        wait_idle_s: float | None,
        strict: bool,
        dry_run: bool,
        ascii_only: bool,
        **others: Any,
    ) -> int:
        from cvbench_tui.cli.outputs import Outputs
        from cvbench_tui.cli.run import How
        from cvbench_tui.results.table.view import View

        only_ascii(ascii_only)
        refuse_both(plain, layout)
        outputs = Outputs(output, layout, quiet, json_lines, plain, View(compare=compare))
        return command(outputs=outputs, how=How(wait, wait_idle_s, strict, dry_run), **others)

    return reduce(lambda made, option: option(made), reversed(MEASURING), with_outputs)


def axes(command: Callable[..., int]) -> Callable[..., int]:
    """A flag for each axis of ``core.axes``; the command gets them as ``settings``, by axis."""

    @wraps(command)
    def with_settings(**options: Any) -> int:
        return command(settings={axis.name: options.pop(axis.name) or () for axis in LISTED}, **options)

    return reduce(lambda made, axis: _axis_option(axis)(made), reversed(LISTED), with_settings)


def _axis_option(axis: Axis) -> Callable[[Any], Any]:
    names = ", ".join(each.name for each in axis.values) + (", or a number" if axis.most else "")
    help_text = f"{axis.help} {names}. Default: {axis.default}."
    return click.option(axis.flag, axis.name, type=SPLIT, shell_complete=complete(axis.name), help=help_text)


def refuse_both(plain: bool, layout: Layout | None) -> None:
    """Raise SelectionError for --plain with --layout."""
    if plain and layout:
        raise SelectionError("--plain and --layout exclude each other.", "--plain prints sentences, not a table.")


def split_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Names of a repeated, comma-separated option. Raises SelectionError when it is given without a name."""
    names = tuple(piece for value in values for piece in split(value) if piece)
    if values and not names:
        raise SelectionError("An option names nothing to measure.", "Leave it out, or give it a name.")
    return names
