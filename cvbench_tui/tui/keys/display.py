"""The keys of a binding as the user has mapped them, written as the footer writes them. It binds nothing."""

from __future__ import annotations

from dataclasses import replace

from textual.app import App
from textual.binding import Binding
from textual.keys import key_to_character

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
