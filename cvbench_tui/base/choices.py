"""Choices that the command line, the settings, the results and the app all offer."""

from __future__ import annotations

from typing import Literal, get_args

Layout = Literal["short", "full", "original"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)  # the first one is the default
LAYOUT_HELP: dict[Layout, str] = {
    "short": "tables to paste, at most 100 columns wide",
    "full": "every column, reason and notice",
    "original": "the form of the published tables",
}
"""Of saved markdown."""
