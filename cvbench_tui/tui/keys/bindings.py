"""The app's keys, declared once: the footer, the help, the manual and the tests read them here.

Where a filter or a path takes letters, there is a function key as well. Not used: the keys that terminals and
multiplexers take, Ctrl with a, b, h, i, j, m, s.
"""

from __future__ import annotations

from typing import Any

from textual.binding import Binding, BindingType


def _hidden(keys: str, action: str, description: str, name: str, tooltip: str, **more: Any) -> Binding:
    """A key that only the help names: the footer has no room for it."""
    return Binding(keys, action, description, show=False, id=f"app.{name}", tooltip=tooltip, **more)


APP_KEYS: list[BindingType] = [
    _hidden("1", "pane('models')", "Models", "models", "Go to the models"),
    _hidden("2", "pane('layers')", "Layers", "layers", "Go to the layers"),
    _hidden("3", "pane('devices')", "Devices", "devices", "Go to the devices"),
    _hidden("4", "pane('results')", "Results", "results", "Go to the results"),
    _hidden("5", "pane('log')", "Log", "log", "Go to the log"),
    Binding("r,f5", "run", "Run", id="app.run", tooltip="Measure what is ticked; during a run, add what is new"),
    Binding("R,f6", "again", "Again", id="app.again", tooltip="Measure failed, skipped and cancelled rows again"),
    Binding("x,f8", "cancel", "Cancel", id="app.cancel", tooltip="Stop measuring; finished rows stay"),
    _hidden("X", "skip", "Skip", "skip", "Skip current row"),
    Binding("s,f2", "save", "Save", id="app.save", tooltip="Save the table: markdown, JSON, CSV or a picture"),
    _hidden("S", "save(True)", "Save now", "save_now", "Save under the suggested name at once"),
    _hidden("p", "protocol", "Protocol", "protocol", "Next protocol: quick, default, rigorous, original"),
    _hidden("b,f4", "settings", "Settings", "settings", "Protocol, batch and image size"),
    _hidden("P,f3", "presets", "Presets", "presets", "Presets: open, save, delete"),
    _hidden("H,f7", "runs", "Saved runs", "runs", "Open a saved run"),
    _hidden("t,f9", "theme", "Theme", "theme", "Choose the theme"),
    Binding("question_mark,f1", "help", "Help", key_display="?", id="app.help", tooltip="Every key, column and grade"),
    _hidden("ctrl+p", "command_palette", "More", "palette", "Search all commands", key_display="^p", priority=True),
    _hidden("ctrl+z", "suspend_process", "Suspend", "suspend",
            "Back to the shell; fg returns, a running benchmark continues", priority=True),
    Binding("q", "quit", "Quit", id="app.quit", tooltip="Quit; asks only while a benchmark is running"),
    _hidden("f10,ctrl+q", "quit", "Quit", "quit_always", "Quit from anywhere; cannot be remapped", priority=True),
]  # fmt: skip
