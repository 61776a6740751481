"""Options that several commands share, and the completion of names. Declares them; does nothing with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cvbench_tui.base.choices import LAYOUTS

Command = TypeVar("Command", bound=Callable[..., Any])


def complete(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Completion of that kind of name; looked up only while a shell asks."""

    def find(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from cvbench_tui.cli.completion import names

        return names(kind, incomplete)

    return find


def _inherit(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """The value of an option that may also stand before the command."""
    return value or (context.parent.params.get(parameter.name or "") if context.parent else value)


def runs_dir_option(command: Command) -> Command:
    """``--runs-dir``, for every command that reads or writes runs."""
    return click.option(
        "--runs-dir",
        type=click.Path(),
        callback=_inherit,
        help="Folder of the run files. Default: the data directory, or CVBENCH_RUNS_DIR.",
    )(command)


def ascii_option(command: Command) -> Command:
    """``--ascii``, for what draws or prints a table."""
    return click.option("--ascii", is_flag=True, callback=_inherit, help="Draw and print with ASCII only.")(command)


def plain_option(command: Command) -> Command:
    """``--plain``, the form for screen readers."""
    return click.option(
        "--plain", is_flag=True, help="Lines and sentences instead of a bar and a table, for a screen reader."
    )(command)


def layout_option(command: Command) -> Command:
    """``--layout``: which of the two markdown layouts."""
    return click.option(
        "--layout", type=click.Choice(LAYOUTS), help="Markdown layout: every column, or the original page's form."
    )(command)
