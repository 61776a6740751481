"""The commands about runs that one keeps: their options. What they do is imported when one of them is called."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce, wraps
from typing import Any

import click

from cvbench_tui.cli import options
from cvbench_tui.cli.options import complete
from cvbench_tui.cli.single_options import Commands

several = click.argument("references", metavar="RUN...", nargs=-1, required=True, shell_complete=complete("runs"))


@click.command(cls=Commands.command_class)
@click.argument("reference", metavar="RUN", shell_complete=complete("runs"))
@click.argument("name", required=False)
@click.option("--tag", "tags", multiple=True, help="Add this tag; may be repeated.")
@click.option("--untag", multiple=True, help="Take this tag away; may be repeated.")
@options.runs_dir_option
def name(reference: str, name: str | None, tags: tuple[str, ...], untag: tuple[str, ...], runs_dir: str | None) -> int:
    """Call RUN by NAME from now on, or add and take away tags; it can then be named so wherever RUN stands.

    An empty NAME ('') takes the name away. Without NAME and options: print what the run is called.
    """
    from cvbench_tui.cli.kept.keeping import name_run

    name_run(reference, name, tags, untag, runs_dir)
    return 0


@click.command(cls=Commands.command_class)
@several
@click.option("--purge", is_flag=True, help="Remove deleted runs for good, each by its whole id.")
@options.runs_dir_option
def delete(references: tuple[str, ...], purge: bool, runs_dir: str | None) -> int:
    """Move runs to the folder 'deleted' beside the others, from where 'undelete' brings them back."""
    from cvbench_tui.cli.kept.keeping import delete_runs, purge_runs

    (purge_runs if purge else delete_runs)(references, runs_dir)
    return 0


@click.command(cls=Commands.command_class)
@several
@options.runs_dir_option
def undelete(references: tuple[str, ...], runs_dir: str | None) -> int:
    """Bring deleted runs back: 'list runs --deleted' has them."""
    from cvbench_tui.cli.kept.keeping import undelete_runs

    undelete_runs(references, runs_dir)
    return 0


@click.command("import", cls=Commands.command_class)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@options.runs_dir_option
def import_(files: tuple[str, ...], runs_dir: str | None) -> int:
    """Copy run files from elsewhere into the folder of runs: FILE is one of them, or a folder of them.

    Exit code 2 when one of them is no run that can be read; the others are taken all the same.
    """
    from cvbench_tui.cli.kept.keeping import import_runs

    return import_runs(files, runs_dir)


FILTERS = (
    click.option("--device", "devices", multiple=True, help="Runs on such a device: part of its name, as 1080."),
    click.option("--workload", "workloads", multiple=True, help="Runs of such a workload: part of its name."),
    click.option("--name", "labels", multiple=True, help="Runs that you called so: part of the name."),
    click.option("--tag", "tags", multiple=True, help="Runs with that tag of yours."),
    click.option("--since", help="Runs from that date on, UTC: 2026-11-01 or '2026-11-01 18:00'."),
    click.option("--until", help="Runs up to that date, UTC, the whole day."),
    click.option("--deleted", is_flag=True, help="The deleted runs."),
)


def filters(command: Callable[..., int]) -> Callable[..., int]:
    """The options that choose runs of a list; the command gets them as ``wanted``, by name, without those not given."""

    @wraps(command)
    def with_filters(**given: Any) -> int:
        wanted = {
            name: given.pop(name) for name in ("devices", "workloads", "labels", "tags", "since", "until", "deleted")
        }
        return command(wanted={name: value for name, value in wanted.items() if value}, **given)

    return reduce(lambda made, option: option(made), reversed(FILTERS), with_filters)
