"""The command ``compare`` with its options. As light as ``cli.main``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cvbench_tui.cli import options
from cvbench_tui.cli.ascii_streams import only_ascii
from cvbench_tui.cli.options import complete, split_names
from cvbench_tui.cli.single_options import SPLIT, Commands
from cvbench_tui.cli.surroundings import check_folder
from cvbench_tui.errors import SelectionError

if TYPE_CHECKING:
    from cvbench_tui.results.compare.model import Order


@click.command(cls=Commands.command_class)
@click.argument("runs", metavar="RUN [RUN...]", nargs=-1, required=True, shell_complete=complete("runs"))
@options.along_option
@click.option("--base", metavar="VALUE", help="Of --along, what the others are compared with. Default: its own.")
@click.option(
    "--phase", "phases", type=SPLIT, shell_complete=complete("phases"),
    help="Phases to compare, separated by commas. Default: total, else inference.",
)  # fmt: skip
@options.bound_option
@click.option("--order", type=click.Choice(("plan", "best", "worst")), default="plan", help="The order of the rows.")
@click.option("--strict", is_flag=True, help="Refuse, with exit code 2, where more differs than what is compared.")
@options.margin_option
@click.option("--again", is_flag=True, help="Measure the rows of both runs once more, in turn, and compare those.")
@click.option(
    "--env", "environments", metavar="NAME=WHERE", multiple=True, help="Of --again: the sides, or what may start."
)
@click.option("-m", "--models", multiple=True, help="Of --again: code of your own that may be run: ./net.py:make.")
@click.option("-q", "--quiet", is_flag=True, help="Of --again: no progress on stderr.")
@options.comparing_output_option
@options.plain_option
@options.ascii_option
@options.runs_dir_option
def compare(
    runs: tuple[str, ...],
    along: str,
    base: str | None,
    phases: tuple[str, ...] | None,
    bound: float | None,
    order: Order,
    strict: bool,
    margin: float | None,
    again: bool,
    environments: tuple[str, ...],
    models: tuple[str, ...],
    quiet: bool,
    output: tuple[str, ...],
    plain: bool,
    ascii_only: bool,
    runs_dir: str | None,
) -> int:
    """Compare runs: the first RUN is the baseline, each other one is judged against it.

    RUN is a path, an id, its beginning, a name, a tag, 'last', 'last~1', or published figures. Each row gets the ratio
    of the two times with its interval and a verdict: faster, slower, same, or not told apart. Of one RUN, --along AXIS
    compares the values of that axis; an alternated run needs no --along.
    """
    from cvbench_tui.cli.compare.compare import Wanted, compare_runs

    only_ascii(ascii_only)
    wanted = Wanted(along, base, phases or (), bound, order, strict, margin)
    if again:
        from cvbench_tui.cli.compare.again import Allowed, measure_again

        check_folder()
        allowed = Allowed(split_names(models), environments)
        return measure_again(runs, wanted, output, allowed, quiet=quiet, plain=plain, runs_dir=runs_dir)
    if environments or models or quiet:
        raise SelectionError(
            "--env, -m and --quiet are for --again, which measures.", "Leave them out, or add --again."
        )
    return compare_runs(runs, wanted, output, plain=plain, runs_dir=runs_dir)
