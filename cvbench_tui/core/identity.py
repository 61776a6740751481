"""What decides whether two runs can be compared, and one digest of it all.

Load, temperature, free memory, clocks of the moment and the like change from minute to minute and are never part of it:
they enter the grade instead.
"""

from __future__ import annotations

import hashlib
import json

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.facts import FACTS, kind_name

IDENTITY: dict[str, str] = {kind.name: kind.identity for kind in FACTS.values() if kind.identity}
"""Fact by its name in ``core.facts``, with the reason why it decides comparability."""
INSTRUMENT = "cvbench-tui"  # the version that is left out: it measures, it is not measured. A run's header has it.
DIGITS = 16  # of the digest: 64 bits, so that a thousand million environments still differ


def identity_pairs(environment: Environment) -> tuple[tuple[str, str], ...]:
    """Versions, usable devices and the facts of ``IDENTITY``, as sorted names and values."""
    pairs = [(f"version {name}", version) for name, version in environment.versions if name != INSTRUMENT]
    pairs += [(f"device {device.id}", _device(device)) for device in environment.usable]
    pairs += [(f"fact {name}", json.dumps(value)) for name, value in environment.facts if kind_name(name) in IDENTITY]
    return tuple(sorted(pairs))


def identity_hash(environment: Environment) -> str:
    """The first 16 hexadecimal digits of SHA-256 over ``identity_pairs``. Equal digests may be compared."""
    text = json.dumps(identity_pairs(environment))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _device(device: Device) -> str:
    """Name, identity and memory of a card. The machine's memory, which kernels count differently, is left out."""
    return json.dumps([device.name, device.uuid, None if device.is_cpu else device.memory_bytes])
