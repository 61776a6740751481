"""How long to warm up, how many rounds to take and when to stop, in numbers.

The reasons for each constant are in docs/methodology.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cvbench_tui.core.evidence import PassName

REGION_TO_TIMER_COST = 200
"""Minimum ratio of a region to the cost of the timer, which then adds at most 0.5%."""

Extra = Literal["energy", "flushed", "alone", "device_only"]
EXTRAS: dict[Extra, str] = {
    "energy": "joules per input, where the device has an energy counter (three seconds and more for each pass)",
    "flushed": "single layers once more with emptied caches",
    "alone": "each phase once more by itself, to check the fused marks",
    "device_only": "CUDA: inference once more from a recorded graph, without the host's launches",
}
"""What can be measured beside the phases, and what it is."""

Method = Literal["rounds", "published"]
ProtocolName = Literal["quick", "default", "rigorous", "original"]


@dataclass(frozen=True)
class Protocol:
    """Warm-up and stop rule of every case in a plan."""

    name: str
    method: Method = "rounds"
    """``rounds``: fused marks, rounds until precise. ``published``: the original tables' loop."""
    precision: float = 0.01
    """Stop when the 95% interval's half width is at most this share of the estimate, for every phase."""
    min_rounds: int = 5
    """Rounds taken before the stop rule is looked at."""
    max_rounds: int = 12
    """Rounds after which a pass ends, precise or not."""
    round_s: float = 0.2
    """Shortest round, seconds of timed work. With five of 0.12 s after a warm-up of 0.3 s a quiet pass was timed for
    61% of its wall time, with 0.2 s for 72%; and noise that outlasts a round is halved."""
    round_iterations: int = 10
    """Fewest iterations of a round, unless so many would not fit ``budget_s``."""
    sample_s: float = 0.001
    """Shortest sample, seconds: faster iterations are grouped into one sample."""
    budget_s: float = 6.0
    """Timed seconds of one pass (training or inference) after which it ends, precise or not."""
    warmup_window_s: float = 0.1
    """Shortest warm-up window, seconds."""
    warmup_iterations: int = 5
    """Fewest iterations of a warm-up window, unless so many would not fit ``warmup_cap_s``."""
    warmup_agreement: float = 0.005
    """Three successive window medians within this share of each other end the warm-up."""
    warmup_cap_s: float = 3.0
    """Warm-up seconds of one pass after which it is measured all the same, with the notice ``unsettled``."""
    processes: int = 1
    """Fresh processes in which every case is repeated."""
    max_processes: int = 1
    """Fresh processes after which a case is not repeated again, precise or not."""
    max_repeats: int = 4
    """Rounds of one pass that may be set aside for a named outside cause and taken again."""
    shuffled: bool = False
    """Visit the cases of each pass over the plan in an order drawn by chance, so that drift cannot favour one."""
    passes: tuple[PassName, ...] = ("training", "inference")
    """The passes that are taken."""
    extras: tuple[Extra, ...] = ()
    """What is measured beside them, where the device allows it."""
    iterations: int = 101
    """``published`` on an accelerator: iterations run, of which the first, cold one is left out."""
    iterations_cpu: int = 51
    """``published`` on the CPU: as above. The original scripts ran 51 there."""
    silence_s: float = 300.0
    """Seconds without an event after which a worker counts as hung. Longer than any one round."""
    timeout_s: float = 1800.0
    """Seconds one case may take in all."""
    seed: int = 0
    """Seed of weights, inputs and output gradients."""


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("quick", precision=0.03, round_s=0.12, budget_s=2.0, warmup_cap_s=1.0, warmup_agreement=0.015),
        Protocol("default", extras=("energy", "flushed")),
        Protocol(
            "rigorous",
            precision=0.005,
            max_rounds=30,
            warmup_cap_s=10.0,
            processes=3,
            max_processes=5,
            shuffled=True,
            extras=("energy", "flushed", "alone", "device_only"),
        ),
        Protocol("original", method="published", timeout_s=7200.0),
    )
}
"""The named protocols, loosest first."""
