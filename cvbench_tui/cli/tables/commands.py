"""The commands that show and save tables: ``show``, ``export`` and ``merge``. As light as ``cli.main``."""

from __future__ import annotations

import click

from cvbench_tui.base.choices import Layout
from cvbench_tui.cli import options
from cvbench_tui.cli.ascii_streams import only_ascii
from cvbench_tui.cli.options import complete
from cvbench_tui.cli.single_options import Commands


@click.command(cls=Commands.command_class)
@options.run_argument
@options.layout_option
@options.sort_option
@options.descending_option
@options.compare_option
@options.beside_option
@options.plain_option
@options.ascii_option
@options.runs_dir_option
def show(
    run_reference: str,
    layout: Layout | None,
    sort: str | None,
    descending: bool,
    compare: str,
    beside: tuple[str, ...],
    plain: bool,
    ascii_only: bool,
    runs_dir: str | None,
) -> int:
    """Print the table of RUN: a path, an id, its beginning, a name, a tag, 'last', 'last~1', or published figures."""
    from cvbench_tui.cli.outputs import print_run
    from cvbench_tui.cli.tables.beside import loaded
    from cvbench_tui.results.table.view import View

    only_ascii(ascii_only)
    options.refuse_both(plain, layout)
    run, others = loaded(run_reference, beside, runs_dir)
    print_run(run, layout, plain=plain, view=View(sort, descending, compare=compare, beside=others))
    return 0


@click.command(cls=Commands.command_class)
@options.run_argument
@options.output_option(required=True)
@options.layout_option
@options.compare_option
@options.beside_option
@options.runs_dir_option
def export(
    run_reference: str,
    output: tuple[str, ...],
    layout: Layout | None,
    compare: str,
    beside: tuple[str, ...],
    runs_dir: str | None,
) -> int:
    """Save RUN (a path, an id, its beginning, a name, a tag, 'last', 'last~1', or published figures) in the format of
    each file's suffix.
    """
    from cvbench_tui.cli.outputs import Outputs, unfailing_stderr
    from cvbench_tui.cli.tables.beside import loaded
    from cvbench_tui.results.table.view import View

    outputs = Outputs(output, layout)
    outputs.check()
    run, others = loaded(run_reference, beside, runs_dir)
    outputs.view = View(compare=compare, beside=others)
    with unfailing_stderr():
        outputs.write(run)
    return 2 if outputs.failed else 0


@click.command(cls=Commands.command_class)
@click.argument("runs", metavar="RUN RUN...", nargs=-1, required=True, shell_complete=complete("runs"))
@options.output_option()
@options.layout_option
@options.sort_option
@options.descending_option
@options.compare_option
@options.plain_option
@options.ascii_option
@options.runs_dir_option
def merge(
    runs: tuple[str, ...],
    output: tuple[str, ...],
    layout: Layout | None,
    sort: str | None,
    descending: bool,
    compare: str,
    plain: bool,
    ascii_only: bool,
    runs_dir: str | None,
) -> int:
    """Put the rows of several RUNs into one table: save it with -o, or print it. Each row says whose it is."""
    from cvbench_tui.cli.outputs import Outputs
    from cvbench_tui.cli.tables.beside import merge as put_together
    from cvbench_tui.results.table.view import View

    only_ascii(ascii_only)
    options.refuse_both(plain, layout)
    outputs = Outputs(output, layout, plain=plain, view=View(sort, descending, compare=compare))
    return put_together(runs, outputs, runs_dir)
