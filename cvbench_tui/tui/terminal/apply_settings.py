"""How the app looks and answers by the user's settings: themes, keys, and a toast for each setting that is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.state.plan_summary import count
from cvbench_tui.tui.terminal.theme import THEMES, no_colour_theme, theme_or_default

if TYPE_CHECKING:
    from cvbench_tui.settings import Settings
    from cvbench_tui.tui.app import BenchApp

TOASTS = 3
"""Problems of the settings that are told one by one; more are counted."""
TOAST_S = 15.0


def apply_settings(app: BenchApp) -> list[str]:
    """Give the app its theme and its keys. Returns what is wrong with those settings, a sentence each.

    Before it runs: a theme that comes later has every style sheet parsed and every widget styled once more.
    """
    path = app.settings_store.path
    where = f"{path}: " if path is not None else ""
    return [where + problem for problem in (*_colours(app), *_keys(app))]


def _colours(app: BenchApp) -> list[str]:
    """Our themes beside the framework's; without colours, the one that writes none."""
    for theme in THEMES:
        app.register_theme(theme)
    name, problem = theme_or_default(app.settings_store.settings.theme, set(app.available_themes))
    app.set_reactive(App.theme, name if app.terminal.colour else no_colour_theme())
    app.stylesheet.set_variables(app.get_css_variables())
    return [problem] if problem else []


def _keys(app: BenchApp) -> list[str]:
    wanted = app.settings_store.settings.keys
    if not wanted:
        return []
    from cvbench_tui.tui.keys.keymap import check_keys
    from cvbench_tui.tui.places import all_bindings

    keymap, problems = check_keys(wanted, all_bindings())
    app.set_keymap(keymap)
    return list(problems)


def check_view(app: BenchApp) -> list[str]:
    """Leave out columns there are not, and say which. Behind the first frame: the columns bring the statistics."""
    view = app.main_screen.results.view
    if not view.columns and view.sort is None:
        return []
    from cvbench_tui.results.table.view import check_columns

    kept, problems = check_columns(view.columns)
    sort, unsorted = check_columns((view.sort,) if view.sort is not None else ())
    app.main_screen.results.view = replace(view, columns=kept, sort=next(iter(sort), None))
    return [f"{app.settings_store.path}: {problem}" for problem in (*problems, *unsorted)]


def save_folder(settings: Settings) -> tuple[Path, list[str]]:
    """Where tables are saved: the settings_store folder, or the current one and a sentence when that is gone."""
    named = Path(settings.save_folder or Path.cwd())
    if named.is_dir():
        return named, []
    return Path.cwd(), [f"save_folder: there is no folder {named}; tables go into the current one."]


def notify_problems(app: BenchApp, problems: list[str]) -> None:
    """A toast for each of the first few."""
    more = len(problems) - TOASTS
    sentences = problems[:TOASTS] + ([f"{count(more, 'more problem')} in the settings."] if more > 0 else [])
    for sentence in sentences:
        app.notify(visible(sentence), title="Settings", severity="warning", timeout=TOAST_S, markup=False)
