"""Options that have one value, and are refused twice; a list; a choice of several."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import click

from cvbench_tui.base.nearest import quoted
from cvbench_tui.catalog.axes import split
from cvbench_tui.core.axes import LISTED
from cvbench_tui.errors import SelectionError


class _SingleOptions(click.Command):
    """Refuses an option given twice that has one value: click takes the last one and says nothing. Has its help under
    ``python -OO`` too, which leaves docstrings out."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        if self.help is None and self.callback is not None:
            self.help = _written_docstring(self.callback)

    def make_parser(self, ctx: click.Context) -> Any:
        """The parser, with a check in front of every option that stores one value."""
        parser = super().make_parser(ctx)
        options = {id(each): each for each in (*parser._short_opt.values(), *parser._long_opt.values())}
        for each in options.values():
            if each.action == "store":
                each.process = partial(_once, each.obj, each.process)  # type: ignore[method-assign]
        return parser

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, those whose values are measured in turn after the others."""
        varied = [each for each in self.get_params(ctx) if each.name in VARIED and each.type is SPLIT]
        if not varied:
            super().format_options(ctx, formatter)
            return
        others = [each for each in self.get_params(ctx) if each not in varied]
        for title, group in (("Options", others), ("Axes (values with commas are measured in turn)", varied)):
            with formatter.section(title):
                formatter.write_dl([record for each in group if (record := each.get_help_record(ctx))])


class Commands(_SingleOptions, click.Group):
    """The commands, whose options with one value are refused twice."""

    command_class = _SingleOptions


def _written_docstring(function: Callable[..., Any]) -> str | None:
    """The docstring as it stands in the source; None where there is no source."""
    try:
        tree = ast.parse(inspect.getsource(inspect.getmodule(function) or function))
    except (OSError, TypeError, SyntaxError):
        return None
    named = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function.__name__)
    return next(map(ast.get_docstring, named), None)


def _once(option: click.Parameter, store: Callable[[Any, Any], None], value: Any, state: Any) -> None:
    """Store the value. Raises SelectionError where there is one already, or where it is the next option: click would
    take that for the value, and the word after it for an argument."""
    if option.type is SPLIT and str(value).startswith("--"):
        hint = f"A list with commas follows it: {option.opts[-1]} A,B"
        raise SelectionError(f"{option.opts[-1]} has no value: {quoted(str(value))} follows.", hint)
    if option.name in state.opts:
        first, second = quoted(str(state.opts[option.name])), quoted(str(value))
        hint = f"Give both in one list: {option.opts[-1]} A,B" if option.type is SPLIT else "Leave one out."
        raise SelectionError(f"{option.opts[-1]} is given twice: {first} and {second}.", hint)
    store(value, state)


class _Split(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """A list with commas. What its pieces may be is checked where they are used."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A tuple of the pieces, without blanks around them."""
        return value if isinstance(value, tuple) else split(str(value))


SPLIT = _Split()
VARIED = ("batches", "images", *(axis.name for axis in LISTED))
"""Names of options whose values are measured in turn."""


def flat(_context: click.Context, _parameter: click.Parameter, values: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """The names of a ``CommaChoice`` that may be repeated, in one tuple."""
    return tuple(chain(*values))


class CommaChoice(click.Choice[str]):
    """Some of these names, separated by commas."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A tuple of them. Raises what click raises for another name, and for none."""
        names = [piece for piece in split(str(value)) if piece] or [value]
        return tuple(super(CommaChoice, self).convert(name, param, ctx) for name in names)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """The last name of the list."""
        from click.shell_completion import CompletionItem

        before, comma, piece = incomplete.rpartition(",")
        return [CompletionItem(before + comma + each.value) for each in super().shell_complete(ctx, param, piece)]
