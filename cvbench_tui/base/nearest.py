"""A name that a user typed: how it is compared, how a sentence quotes it, and which known names are near."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

MAX_QUOTED = 60  # characters of the user's own text that an error repeats, escaped ones counted as written


def name_key(text: str) -> str:
    """What two names are compared by: ``VGG16 BN`` and ``vgg16-bn`` have the same key."""
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def nearest(text: str, names: Iterable[str], count: int = 3, cutoff: float = 0.6) -> str:
    """``Nearest: resnet18, resnet101.``; empty when no name is near. ``cutoff`` as in difflib, 1 being equal."""
    by_key = {name_key(name): name for name in names}
    near = get_close_matches(name_key(text[:MAX_QUOTED]), list(by_key), count, cutoff)
    return f"Nearest: {', '.join(by_key[key] for key in near)}." if near else ""


def quoted(text: str) -> str:
    """The text in quotes, on one line, with what is not printable escaped, and cut where it is long."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[: MAX_QUOTED + 1])
    return f"'{shown}'" if len(shown) <= MAX_QUOTED else f"'{shown[:MAX_QUOTED]}...'"
