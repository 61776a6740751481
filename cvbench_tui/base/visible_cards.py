"""The variables that choose among cards, like ``CUDA_VISIBLE_DEVICES``: when one of them hides every card."""

from __future__ import annotations

import os
import re

CUDA_VARIABLE = "CUDA_VISIBLE_DEVICES"
ON_PURPOSE = ("", "-1")  # values that hide every card and can hardly be meant otherwise
_NAMES_A_CARD = re.compile(r"\s*\+?\d|GPU-|MIG-")
"""How the first entry of such a variable begins. A driver stops at the first entry that names no card."""


def hides_all(variable: str) -> bool:
    """True when that variable is set and hides every card, without asking a driver."""
    value = os.environ.get(variable)
    return value is not None and _NAMES_A_CARD.match(value) is None
