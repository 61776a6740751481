"""The app's themes: dark, light, a dark and a light one for every kind of colour vision, and one without colours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from textual.theme import BUILTIN_THEMES, Theme

from cvbench_tui.base.nearest import nearest, quoted

DEFAULT = "cvbench-dark"  # the theme of a new user
MUTED = "$foreground 70%"
"""Style of what matters less, in Content. Not ``$text-muted``: Textual 8 draws its ``auto 60%`` as pure white there."""
_FALLBACK = "textual-dark"  # Textual's own, which is always there


def _theme(
    name: str, *, dark: bool, ground: tuple[str, str, str, str, str], accent: str, signs: tuple[str, str, str]
) -> Theme:
    """A theme of five neutral colours (background, surface, panel, line, foreground), an accent, and three signs.

    The signs are success, warning and error. Textual would mix its text colours with a third of black or white,
    which brings the signs closer together; here they are used as they are.
    """
    background, surface, panel, line, foreground = ground
    success, warning, error = signs
    colours: dict[str, Any] = {
        "primary": accent, "secondary": foreground, "accent": accent, "foreground": foreground,
        "background": background, "surface": surface, "panel": panel,
        "success": success, "warning": warning, "error": error,
    }  # fmt: skip
    variables = {f"text-{sign}": colours[sign] for sign in ("primary", "accent", "success", "warning", "error")} | {
        "text-muted": "auto 65%",
        "block-cursor-foreground": background,
        "block-cursor-background": accent,
        "block-cursor-blurred-background": panel,
        "button-color-foreground": background,
        "border-blurred": line,  # a frame's title has its colour, and is read
        "footer-background": panel,
        "footer-key-foreground": accent,
        "input-cursor-background": accent,
        "scrollbar": line,
        "scrollbar-hover": accent,
        "scrollbar-background": background,
    }
    return Theme(name=name, dark=dark, variables=variables, **colours)


_NIGHT = ("#10141b", "#171c26", "#232a38", "#7f8a9e", "#d8dee9")
_DAY = ("#f3f5f8", "#fcfdfe", "#e4e8ee", "#667082", "#1c2430")
NO_COLOUR = "cvbench-plain"
"""The theme that uses no colour but the terminal's own, with cursors in reverse.

Needs ``App(ansi_color=True)``: Textual decides at construction how it obeys NO_COLOR, and a theme of this kind that is
set later is drawn black on black. The codes 39 and 49 (the terminal's own colours) are still written;
``filters.ColourlessFilter`` takes them out.
"""

THEMES: tuple[Theme, ...] = (
    _theme(DEFAULT, dark=True, ground=_NIGHT, accent="#6cb6ff", signs=("#6cc89a", "#e3b04b", "#f0787f")),
    _theme("cvbench-light", dark=False, ground=_DAY, accent="#155fa8", signs=("#176639", "#7a5200", "#b3261e")),
    # Sky blue, yellow, a lighter vermillion and reddish purple: Okabe and Ito, "Color universal design" (2008).
    _theme("cvbench-safe-dark", dark=True, ground=_NIGHT, accent="#cc79a7", signs=("#56b4e9", "#f0e442", "#ee7f3d")),
    # On white those are too light to read; here lightness carries most of the difference, and slate is the accent.
    _theme("cvbench-safe-light", dark=False, ground=_DAY, accent="#3c3c46", signs=("#00629b", "#7f5f00", "#5e1600")),
    replace(
        BUILTIN_THEMES["ansi-dark"],
        name=NO_COLOUR,
        variables={
            **BUILTIN_THEMES["ansi-dark"].variables,
            # Without colours the cursor can only be seen by its style.
            "block-cursor-foreground": "ansi_default",
            "block-cursor-background": "ansi_default",
            "block-cursor-text-style": "reverse",
            "block-cursor-blurred-text-style": "underline",
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "button-focus-text-style": "bold reverse",
            "link-style-hover": "bold reverse",
        },
    ),
)
"""For ``App.register_theme``."""


def theme_or_default(name: str, known: Collection[str]) -> tuple[str, str]:
    """The theme to use, and what is wrong with the wanted one: a sentence, or nothing."""
    if name in known:
        return name, ""
    default = DEFAULT if DEFAULT in known else _FALLBACK
    return default, f"There is no theme {quoted(name)}, so {default} is used. {nearest(name, known)}".rstrip()
