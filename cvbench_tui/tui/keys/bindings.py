"""The app's keys, declared once: the footer, the help, the manual and the tests read them here.

Letters have a twin among the function keys where a filter or a path could swallow them. Left alone are the keys that
terminals and multiplexers take: Ctrl with a, b, h, i, j, m, s.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType

APP_KEYS: list[BindingType] = [
    Binding("1", "pane('models')", "Models", show=False, id="app.models", tooltip="Go to the models"),
    Binding("2", "pane('layers')", "Layers", show=False, id="app.layers", tooltip="Go to the layers"),
    Binding("3", "pane('devices')", "Devices", show=False, id="app.devices", tooltip="Go to the devices"),
    Binding("4", "pane('results')", "Results", show=False, id="app.results", tooltip="Go to the results"),
    Binding("5", "pane('log')", "Log", show=False, id="app.log", tooltip="Go to the log"),
    Binding("r,f5", "run", "Run", id="app.run", tooltip="Measure what is ticked; during a run, add what is new"),
    Binding("R,f6", "again", "Again", id="app.again", tooltip="Measure failed, skipped and cancelled rows again"),
    Binding("x,f8", "cancel", "Cancel", id="app.cancel", tooltip="Stop measuring; finished rows stay"),
    Binding(
        "X", "skip", "Skip", show=False, id="app.skip", tooltip="Leave the row being measured, go on with the next"
    ),
    Binding("s,f2", "save", "Save", id="app.save", tooltip="Save the table: markdown, JSON, CSV or a picture"),
    Binding(
        "S", "save(True)", "Save now", show=False, id="app.save_now", tooltip="Save under the suggested name at once"
    ),
    Binding(
        "p",
        "protocol",
        "Protocol",
        show=False,
        id="app.protocol",
        tooltip="Next protocol: quick, default, rigorous, original",
    ),
    Binding("b,f4", "settings", "Settings", show=False, id="app.settings", tooltip="Protocol, batch and image size"),
    Binding("P,f3", "presets", "Presets", show=False, id="app.presets", tooltip="Ready plans: open, save, delete"),
    Binding("H,f7", "runs", "Past runs", show=False, id="app.runs", tooltip="Open a run of the past"),
    Binding("t,f9", "theme", "Theme", show=False, id="app.theme", tooltip="Choose the colours"),
    Binding("question_mark,f1", "help", "Help", key_display="?", id="app.help", tooltip="Every key, column and grade"),
    Binding(
        "ctrl+p",
        "command_palette",
        "More",
        key_display="^p",
        show=False,
        priority=True,
        id="app.palette",
        tooltip="Everything there is, to search",
    ),
    Binding(
        "ctrl+z",
        "suspend_process",
        "Suspend",
        show=False,
        priority=True,
        id="app.suspend",
        tooltip="To the shell; fg comes back, a run goes on",
    ),
    Binding("q", "quit", "Quit", id="app.quit", tooltip="Quit; asks only while a run is going on"),
    Binding(
        "f10,ctrl+q",
        "quit",
        "Quit",
        show=False,
        priority=True,
        id="app.quit_always",
        tooltip="Quit from anywhere; cannot be remapped",
    ),
]
