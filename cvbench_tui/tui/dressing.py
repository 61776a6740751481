"""How the app looks and answers by the user's settings: themes, keys, and a toast for each setting that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from cvbench_tui.results.escape import visible
from cvbench_tui.tui.themes import THEMES, no_colour_theme, theme_or_default

if TYPE_CHECKING:
    from cvbench_tui.tui.app import BenchApp

TOASTS = 3
"""Problems of the settings that are told one by one; more are counted."""
TOAST_S = 15.0


def dress(app: BenchApp) -> list[str]:
    """Give the app its theme and its keys. Returns what is wrong with those settings, a sentence each.

    Before it runs: a theme that comes later has every style sheet parsed and every widget styled once more.
    """
    return [*_colours(app), *_keys(app)]


def _colours(app: BenchApp) -> list[str]:
    """Our themes beside the framework's; without colours, the one that writes none."""
    for theme in THEMES:
        app.register_theme(theme)
    name, problem = theme_or_default(app.remembered.settings.theme, set(app.available_themes))
    app.set_reactive(App.theme, name if app.terminal.colour else no_colour_theme())
    app.stylesheet.set_variables(app.get_css_variables())
    return [problem] if problem else []


def _keys(app: BenchApp) -> list[str]:
    wanted = app.remembered.settings.keys
    if not wanted:
        return []
    from cvbench_tui.tui.keymap import check_keys
    from cvbench_tui.tui.places import all_bindings

    keymap, problems = check_keys(wanted, all_bindings())
    app.set_keymap(keymap)
    return list(problems)


def column_problems(app: BenchApp) -> list[str]:
    """What is wrong with the columns that were chosen."""
    columns = app.bench.results.view.columns
    if not columns:
        return []
    from cvbench_tui.results.view import check_columns

    return list(check_columns(columns)[1])


def tell(app: BenchApp, problems: list[str]) -> None:
    """A toast for each of the first few."""
    more = len(problems) - TOASTS
    sentences = problems[:TOASTS] + ([f"{more} more problems in the settings."] if more > 0 else [])
    for sentence in sentences:
        app.notify(visible(sentence), title="Settings", severity="warning", timeout=TOAST_S, markup=False)
