"""The app's keys, declared once: the footer, the help and the tests read them here."""

from __future__ import annotations

from textual.binding import Binding, BindingType

APP_KEYS: list[BindingType] = [
    Binding("1", "pane('models')", "Models", show=False, tooltip="Go to the models"),
    Binding("2", "pane('layers')", "Layers", show=False, tooltip="Go to the layers"),
    Binding("3", "pane('devices')", "Devices", show=False, tooltip="Go to the devices"),
    Binding("4", "pane('results')", "Results", show=False, tooltip="Go to the results"),
    Binding("r,f5", "run", "Run", tooltip="Measure what is ticked"),
    Binding("x", "cancel", "Cancel", tooltip="Stop measuring; finished rows stay"),
    Binding("p", "protocol", "Protocol", tooltip="Next protocol: quick, default, rigorous, original"),
    Binding("b", "settings", "Batch", tooltip="Batch and image size of every row"),
    Binding("comma", "sort(-1)", "Sort", show=False, tooltip="Sort by the column further left"),
    Binding("full_stop", "sort(1)", "Sort", show=False, tooltip="Sort by the column further right"),
    Binding("o", "reverse", "Reverse", show=False, tooltip="Reverse the order"),
    Binding("s", "save", "Save", tooltip="Save the table as markdown, JSON or CSV"),
    Binding("S", "save(True)", "Save now", show=False, tooltip="Save under the suggested name without asking"),
    Binding("question_mark,f1", "help", "Help", key_display="?", tooltip="This page"),
    Binding("q", "quit", "Quit", tooltip="Quit; asks once while a run is going on"),
    Binding("f10,ctrl+q", "quit", "Quit", show=False, priority=True, tooltip="Quit from anywhere"),
]
