"""The user's settings: one TOML file, read with the standard library, written with its comments kept. The app checks
whether a theme or a column of that name exists."""

from __future__ import annotations

from cvbench_tui.catalog.presets import SETTINGS_VARIABLE as VARIABLE
from cvbench_tui.catalog.presets import settings_path
from cvbench_tui.settings.fields import FIELDS, KEYS, LAST_FIELDS, Last, Settings
from cvbench_tui.settings.file import load, save

__all__ = ["FIELDS", "KEYS", "LAST_FIELDS", "VARIABLE", "Last", "Settings", "load", "save", "settings_path"]
