"""Our themes can be read, and told apart by people who see fewer colours."""

from __future__ import annotations

import math
import re
from itertools import combinations
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from cvbench_tui.tui.terminal.theme import DEFAULT, NO_COLOUR, THEMES, theme_or_default

MIN_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3, for text of ordinary size."""
MIN_DISTANCE = 20.0
"""CIE76. About 2.3 is the least difference that is noticed side by side; 20 is seen at a glance."""
INKS = ("text", "text-muted", *(f"text-{sign}" for sign in ("success", "warning", "error", "primary", "accent")))
GROUNDS = ("background", "surface", "panel")
PAIRS = [
    *((ink, ground) for ink in (*INKS, "foreground") for ground in GROUNDS),
    ("block-cursor-foreground", "block-cursor-background"),
    ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
    ("border-blurred", "background"),
    ("border-blurred", "surface"),
    ("border", "background"),
    ("border", "surface"),
    ("footer-key-foreground", "footer-background"),
    ("footer-foreground", "footer-background"),
    ("button-color-foreground", "primary"),
    ("button-color-foreground", "success"),
    ("button-color-foreground", "error"),
    ("input-cursor-foreground", "input-cursor-background"),
]
COLOURED = [theme.name for theme in THEMES if theme.name != NO_COLOUR]
SIGNS = ("text-success", "text-warning", "text-error", "text-accent")
SIMULATIONS = {
    # Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency",
    # IEEE TVCG 15 (2009), severity 1.0, for linear RGB.
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
Triple = tuple[float, float, float]


class Swatches(App[None]):
    """One line of text for every pair of colours."""

    CSS = "\n".join(
        f"#p{number} {{ color: ${ink}; background: ${ground}; }}" for number, (ink, ground) in enumerate(PAIRS)
    )

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)

    def compose(self) -> ComposeResult:
        for number in range(len(PAIRS)):
            yield Static("text", id=f"p{number}", markup=False)

    def drawn(self, number: int) -> tuple[Triple, Triple]:
        """Ink and ground as they go to the terminal, linear RGB."""
        segment = next(iter(self.query_one(f"#p{number}", Static).render_line(0)))
        assert segment.text.startswith("text")
        assert segment.style is not None
        assert segment.style.color is not None
        assert segment.style.bgcolor is not None
        return linear(segment.style.color.get_truecolor()), linear(segment.style.bgcolor.get_truecolor())


def linear(colour: tuple[int, int, int]) -> Triple:
    """sRGB, 0 to 255, as light, 0 to 1."""
    shares = (value / 255 for value in colour)
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return red, green, blue


def luminance(colour: Triple) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def contrast(one: Triple, other: Triple) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def lab(colour: Triple) -> Triple:
    """CIE L*a*b* under D65."""
    red, green, blue = colour
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (
        value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
        for value in (x, luminance(colour), z)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour: Triple, kind: str) -> Triple:
    """The colour as somebody with that deficiency sees it."""
    red, green, blue = (
        min(1.0, max(0.0, sum(share * value for share, value in zip(row, colour, strict=True))))
        for row in SIMULATIONS[kind]
    )
    return red, green, blue


def test_the_measure_itself() -> None:
    white, black = linear((255, 255, 255)), linear((0, 0, 0))
    assert contrast(white, black) == pytest.approx(21)
    assert lab(white) == pytest.approx((100, 0, 0), abs=0.02)
    assert contrast(linear((119, 119, 119)), white) == pytest.approx(4.48, abs=0.01)


async def test_every_text_can_be_read_on_every_surface() -> None:
    app = Swatches()
    async with app.run_test(size=(40, 60)) as pilot:
        for name in COLOURED:
            app.theme = name
            await pilot.pause()
            measured = {pair: contrast(*app.drawn(number)) for number, pair in enumerate(PAIRS)}
            assert {pair: ratio for pair, ratio in measured.items() if ratio < MIN_CONTRAST} == {}, name


async def test_the_signs_of_the_safe_themes_stay_apart() -> None:
    app = Swatches()
    safe = [name for name in COLOURED if "safe" in name]
    assert safe
    close = {}
    async with app.run_test(size=(40, 60)) as pilot:
        for name in safe:
            app.theme = name
            await pilot.pause()
            drawn = {sign: app.drawn(PAIRS.index((sign, "surface")))[0] for sign in SIGNS}
            for kind in SIMULATIONS:
                inks = {sign: lab(seen(ink, kind)) for sign, ink in drawn.items()}
                for one, other in combinations(SIGNS, 2):
                    if (far := math.dist(inks[one], inks[other])) < MIN_DISTANCE:
                        close[name, kind, one, other] = far
    assert close == {}


def test_the_manual_names_every_theme() -> None:
    page = (Path(__file__).parents[2] / "docs/settings.md").read_text()
    assert re.findall(r"`(cvbench-[a-z-]+)`", page[page.index("Themes of ours") :]) == [theme.name for theme in THEMES]


def test_a_theme_that_is_gone_is_a_sentence() -> None:
    known = [theme.name for theme in THEMES]
    assert theme_or_default("cvbench-light", known) == ("cvbench-light", "")
    name, problem = theme_or_default("cvbench-lihgt", known)
    assert name == DEFAULT
    assert problem.startswith("There is no theme 'cvbench-lihgt', so cvbench-dark is used. Nearest: cvbench-light")
    assert theme_or_default("\x1b[1m", ["textual-dark"]) == (
        "textual-dark", "There is no theme '\\x1b[1m', so textual-dark is used.",
    )  # fmt: skip
