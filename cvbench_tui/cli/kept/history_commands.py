"""The commands that ask something of the kept runs: ``trend`` and ``verdict``. As light as ``cli.main``."""

from __future__ import annotations

import click

from cvbench_tui.catalog.axes import check_batch, check_values
from cvbench_tui.cli import options
from cvbench_tui.cli.ascii_streams import only_ascii
from cvbench_tui.cli.options import complete
from cvbench_tui.cli.single_options import Commands
from cvbench_tui.core.axes import axis
from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.errors import SelectionError

device_option = click.option(
    "-d", "--device", shell_complete=complete("devices"), help="Device, e.g. cpu, cuda:0."
)  # fmt: skip


@click.command(cls=Commands.command_class)
@click.argument("workload", shell_complete=complete("models"))
@device_option
@click.option("-b", "--batch", shell_complete=complete("batches"), help="Batch size, or max.")
@click.option("--phase", type=click.Choice(PHASES), help="Default: total, else inference.")
@click.option("--last", type=click.IntRange(1, 400), default=20, show_default=True, help="So many runs, the newest.")
@click.option("-o", "--output", "files", multiple=True, type=click.Path(), help="Save as .md .csv .json .svg.")
@options.axes
@options.ascii_option
@options.runs_dir_option
def trend(
    workload: str,
    device: str | None,
    batch: str | None,
    phase: Phase | None,
    last: int,
    files: tuple[str, ...],
    settings: dict[str, tuple[str, ...]],
    runs_dir: str | None,
    ascii_only: bool,
) -> int:
    """Print the times of WORKLOAD, a model or layer, over the kept runs, and where the environment changed.

    What is not said of the row, its device, batch and settings, is that of the newest run that measured it.
    """
    from cvbench_tui.catalog.selection import check_device_name
    from cvbench_tui.cli.kept.trend import print_trend
    from cvbench_tui.results.trend.choose import Wish

    only_ascii(ascii_only)
    wish = Wish(
        workload,
        check_device_name(device) if device else "",
        str(check_batch(batch)) if batch else "",
        tuple((name, _one_value(name, values)) for name, values in settings.items() if values),
    )
    return print_trend(wish, phase, last, files, runs_dir)


@click.command(cls=Commands.command_class)
@click.argument("run_reference", metavar="[RUN]", required=False, shell_complete=complete("runs"))
@device_option
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option("-o", "--output", "files", multiple=True, type=click.Path(), help="Save as .md .txt .json.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@options.ascii_option
@options.runs_dir_option
def verdict(
    run_reference: str | None,
    device: str | None,
    as_json: bool,
    files: tuple[str, ...],
    quiet: bool,
    runs_dir: str | None,
    ascii_only: bool,
) -> int:
    """Tell whether a device is as fast as it should be, and if not, why: a minute or two.

    Measures the preset verdict, or verdict-cpu, and compares with the device's own peaks, with kept runs of the same
    kind of device and with published figures. With RUN (a path, an id, 'last') nothing is measured: that run is judged.
    Exit code 0: as fast as it should be. 1: below, or nothing to judge by.
    """
    from cvbench_tui.catalog.selection import check_device_name
    from cvbench_tui.cli.kept.verdict import judge_device, judge_run

    only_ascii(ascii_only)
    chosen = check_device_name(device) if device else None
    if run_reference is not None:
        return judge_run(run_reference, chosen, files, as_json=as_json, runs_dir=runs_dir)
    return judge_device(chosen, files, as_json=as_json, quiet=quiet, runs_dir=runs_dir)


def _one_value(name: str, values: tuple[str, ...]) -> str:
    """The value of that axis. Raises SelectionError for several: a trend is of one row."""
    known = axis(name)
    assert known is not None, "the options are made of the registry"
    checked = check_values(known, values)
    if len(checked) > 1:
        raise SelectionError(f"A trend is of one row, and {known.flag} has several values.", "Leave one.")
    return checked[0]
