"""Why a card lowers its clock, from the bits of NVIDIA's management library to words. For the worker and the parent."""

from __future__ import annotations

THROTTLE_BITS = (
    (0x04, "power_cap"),
    (0x08, "hardware"),
    (0x10, "sync"),
    (0x20, "thermal"),
    (0x40, "thermal"),
    (0x80, "power_brake"),
)
"""Clock event reasons of nvml.h. Idle (1), clocks chosen by a user (2) and by a display (0x100) slow nothing down
unexpectedly and are left out."""


def throttle_words(bits: int) -> tuple[str, ...]:
    """Each reason once: ``power_cap``, ``thermal`` ..."""
    return tuple(dict.fromkeys(word for bit, word in THROTTLE_BITS if bits & bit))
