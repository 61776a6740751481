"""The app's keys, declared once: the footer, the help, the manual and the tests read them here.

Where a filter or a path takes letters, there is a function key as well. Not used: the keys that terminals and
multiplexers take, Ctrl with a, b, h, i, j, m, s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual.app import App
from textual.binding import Binding, BindingType
from textual.keys import key_to_character


def hidden(keys: str, action: str, description: str, id: str, tooltip: str, **more: Any) -> Binding:  # noqa: A002
    """A key that only the help names: the footer has no room for it."""
    return Binding(keys, action, description, show=False, id=id, tooltip=tooltip, **more)


APP_KEYS: list[BindingType] = [
    hidden("1", "pane('models')", "Models", "app.models", "Go to the models"),
    hidden("2", "pane('layers')", "Layers", "app.layers", "Go to the layers"),
    hidden("3", "pane('devices')", "Devices", "app.devices", "Go to the devices"),
    hidden("4", "pane('results')", "Results", "app.results", "Go to the results"),
    hidden("5", "pane('log')", "Log", "app.log", "Go to the log"),
    Binding("r,f5", "run", "Run", id="app.run", tooltip="Measure what is ticked; during a run, add what is new"),
    Binding("R,f6", "again", "Again", id="app.again", tooltip="Repeat failed, noisy, invalid rows; the better stays"),
    Binding("C", "resume", "Resume", id="app.resume", tooltip="Go on with an interrupted run: measure what it lacks"),
    Binding("x,f8", "cancel", "Cancel", id="app.cancel", tooltip="Stop measuring; finished rows stay"),
    hidden("X", "skip", "Skip", "app.skip", "Skip current row"),
    Binding("s,f2", "save", "Save", id="app.save", tooltip="Save the table in any format, or a picture"),
    hidden("S", "save(True)", "Save now", "app.save_now", "Save under the suggested name at once"),
    hidden("M", "own_code", "Own model", "app.own_code", "Add a model of your own code: ./net.py:make"),
    hidden("p", "protocol", "Protocol", "app.protocol", "Next protocol: quick, default, rigorous, original"),
    hidden("b,f4", "settings", "Settings", "app.settings", "Protocol, batches, image sizes, axes, phases"),
    hidden("P,f3", "presets", "Presets", "app.presets", "Presets: open, save, delete"),
    hidden("H,f7", "runs", "Saved runs", "app.runs", "Open a saved run"),
    hidden("d", "compare", "Compare", "app.compare", "Compare along an axis of the run, or choose runs"),
    hidden("V", "verdict", "Verdict", "app.verdict", "Is my card all right? By the open run, else ticks a preset"),
    hidden("t,f9", "theme", "Theme", "app.theme", "Choose the theme"),
    Binding("question_mark,f1", "help", "Help", key_display="?", id="app.help", tooltip="Every key, column and grade"),
    hidden("ctrl+p", "command_palette", "More", "app.palette", "Search all commands", key_display="^p", priority=True),
    hidden("ctrl+z", "suspend_process", "Suspend", "app.suspend",
           "Back to the shell; fg returns, a running benchmark waits after the visit in hand", priority=True),
    Binding("q", "quit", "Quit", id="app.quit", tooltip="Quit; asks only while a benchmark is running"),
    hidden("f10,ctrl+q", "quit", "Quit", "app.quit_always", "Quit from anywhere; cannot be remapped", priority=True),
]  # fmt: skip

NAMED = {"up": "Up", "down": "Down", "left": "Left", "right": "Right", "enter": "Enter", "backspace": "Backspace",
         "escape": "Escape", "space": "Space", "tab": "Tab", "delete": "Delete", "home": "Home", "end": "End",
         "pageup": "PageUp", "pagedown": "PageDown", "slash": "/", "minus": "-", "plus": "+", "comma": ",",
         "full_stop": ".", "semicolon": ";", "question_mark": "?"}  # fmt: skip
"""Keys that stand for no letter, as people call them; Textual's own signs for some are no ASCII."""


def shown_keys(app: App[object], binding: Binding) -> str:
    """``r F5`` for ``r,f5``: what the keymap says for the binding's id, else what it was declared with."""
    mapped = app._keymap.get(binding.id or "")  # there is no public way to ask
    keys = [key.strip() for key in (mapped or binding.key).split(",")]
    return " ".join(dict.fromkeys(_key(app, binding, key) for key in keys if key))


def _key(app: App[object], binding: Binding, key: str) -> str:
    """One key: a named one or a function key with a capital, else as the app displays it."""
    *modifiers, last = key.split("+")
    if key_to_character(last) is None or last in NAMED:
        name = NAMED.get(last, last.capitalize())
        return "+".join([*(each.capitalize() for each in modifiers), name])
    return app.get_key_display(replace(binding, key=key, key_display=None))
