"""The user's settings at the start: theme, keys, view, folder, and a toast for each setting that is wrong."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from cvbench_tui.base.escape import visible
from cvbench_tui.core.text import plural
from cvbench_tui.terminal import Terminal
from cvbench_tui.tui.state.settings_store import SettingsStore
from cvbench_tui.tui.terminal.theme import NO_COLOUR, THEMES, theme_or_default

if TYPE_CHECKING:
    from cvbench_tui.results.table.view import View
    from cvbench_tui.settings import Settings

MAX_TOASTS = 3  # problems of the settings that are shown one by one; more are counted
TOAST_S = 15.0


def apply_settings(app: App[Any], store: SettingsStore, terminal: Terminal) -> list[str]:
    """Give the app its theme and its keys. Returns what is wrong with those settings, a sentence each.

    Before it runs: a theme that comes later has every style sheet parsed and every widget styled once more.
    """
    for theme in THEMES:
        app.register_theme(theme)
    name, problem = theme_or_default(store.settings.theme, set(app.available_themes))
    app.set_reactive(App.theme, name if terminal.colour else NO_COLOUR)
    app.stylesheet.set_variables(app.get_css_variables())
    problems = [problem] if problem else []
    if store.settings.keys:
        from cvbench_tui.tui.keys.keymap import check_keys
        from cvbench_tui.tui.places import all_bindings

        keymap, wrong_keys = check_keys(store.settings.keys, all_bindings())
        app.set_keymap(keymap)
        problems += wrong_keys
    return _located(store, problems)


def check_view(view: View, store: SettingsStore) -> tuple[View, list[str]]:
    """The view without columns that do not exist, and which these were. Behind the first frame: it brings them all."""
    if not view.columns and view.sort is None:
        return view, []
    from cvbench_tui.results.table.view import check_columns

    columns, problems = check_columns(view.columns)
    sort, more = check_columns((view.sort,) if view.sort is not None else ())
    return replace(view, columns=columns, sort=next(iter(sort), None)), _located(store, [*problems, *more])


def _located(store: SettingsStore, problems: list[str]) -> list[str]:
    """Each with the file that it is in."""
    return [f"{store.path}: {problem}" if store.path is not None else problem for problem in problems]


def folder_for_saving(settings: Settings) -> tuple[Path, list[str]]:
    """Where tables are saved: the folder of the settings, or the current one and a sentence when that is gone."""
    named = settings.save_folder
    if not named:
        return Path.cwd(), []
    if os.path.isdir(named):  # Path's own raises for a name that is too long
        return Path(named), []
    return Path.cwd(), [f"save_folder: there is no folder {named}; tables go into the current one."]


def notify_problems(app: App[Any], problems: list[str]) -> None:
    """A toast for each of the first few."""
    more = len(problems) - MAX_TOASTS
    sentences = problems[:MAX_TOASTS] + ([f"{plural(more, 'more problem')} in the settings."] if more > 0 else [])
    for sentence in sentences:
        app.notify(visible(sentence), title="Settings", severity="warning", timeout=TOAST_S, markup=False)
