"""Warm-up, rounds, precision, budget and processes of a measurement; docs/methodology.md has the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.workload import Kind

REGION_TO_TIMER_COST = 200  # minimum ratio of a region to the cost of the timer, which then adds at most 0.5%

Extra = Literal["energy", "flushed", "alone", "device_only"]
EXTRAS: dict[Extra, str] = {
    "energy": "joules per input, where the device has an energy counter (three seconds or more for each pass)",
    "flushed": "single layers again with a cold cache",
    "alone": "each phase again by itself, to check the fused timing",
    "device_only": "inference again from a CUDA graph, without the host's launches",
}
"""Optional secondary metrics, with their descriptions."""

Method = Literal["rounds", "published"]


@dataclass(frozen=True)
class Protocol:
    """Warm-up and stop rule of every case of a plan."""

    name: str
    method: Method = "rounds"  # ``rounds``: rounds until precise. ``published``: the loop of the original tables.
    precision: float = 0.01  # stop when the 95% interval's half width is at most this share, for every phase
    min_rounds: int = 5  # undisturbed rounds of one of several visits; of a single one, before the stop rule applies
    max_rounds: int = 12  # rounds after which a pass ends its visit
    round_s: float = 0.2
    """Minimum timed seconds of a round. Five of 0.12 s after a warm-up of 0.3 s were 61% of the wall time of a quiet
    pass, five of 0.2 s are 72%; and noise that lasts longer than a round is halved."""
    round_iterations: int = 10  # minimum iterations of a round, unless they would not fit ``budget_s``
    sample_s: float = 0.001  # minimum seconds of a region: faster iterations are grouped into one sample
    budget_s: float = 6.0  # timed seconds of one pass (training or inference), all visits together, after which it ends
    warmup_window_s: float = 0.1  # minimum seconds of a warm-up window
    warmup_iterations: int = 5  # minimum iterations of a warm-up window, unless they would not fit ``warmup_cap_s``
    warmup_agreement: float = 0.005  # three successive window medians within this share of each other end the warm-up
    warmup_cap_s: float = 3.0  # warm-up seconds of a pass after which it is measured anyway, with reason ``unsettled``
    visits: int = 1  # visits to every case, spread over the run, and from one look at its precision to the next
    max_visits: int = 1  # maximum visits to a case that is not precise yet
    span_s: float = 0.0  # shortest time from the first visit to a case to the end of its last
    fresh: bool = False  # each visit is a fresh process, also where starting one is dear (cards, no safe fork)
    max_repeats: int = 4  # 0: no round is set aside because of an external disturbance
    passes: tuple[PassName, ...] = ("training", "inference")  # passes that are measured
    extras: tuple[Extra, ...] = ()  # secondary metrics, where the device has them
    iterations: int = 101  # ``published``: iterations, of which the second is not counted
    iterations_cpu: int = 51  # the same of models on the CPU
    clean: Protocol | None = None  # ``published``: what measures the case beside it, in the same process; None: nothing
    silence_s: float = 300.0  # seconds without an event after which a worker is killed. Longer than any single round.
    timeout_s: float = 1800.0  # time limit of one case, seconds
    seed: int = 0  # random seed of weights, inputs and output gradients

    def published_iterations(self, kind: Kind, device: str) -> int:
        """Iterations of the published loop: the scripts had fewer for models on the CPU only."""
        return self.iterations_cpu if kind == "model" and device == "cpu" else self.iterations


CLEAN = Protocol("clean", precision=0.03, round_s=0.12, budget_s=2.0, warmup_cap_s=1.0, warmup_agreement=0.015)
"""What ``original`` measures beside the published loop, in the same process and so at one go."""
PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "quick",
            precision=0.03,
            visits=3,
            max_visits=6,
            span_s=3.0,
            min_rounds=1,
            max_rounds=2,
            round_s=0.1,
            round_iterations=3,
            budget_s=2.0,
            warmup_window_s=0.03,
            warmup_iterations=1,
            warmup_agreement=0.03,
            warmup_cap_s=0.5,
        ),
        Protocol(
            "default",
            visits=10,
            max_visits=20,
            span_s=30.0,
            min_rounds=1,
            max_rounds=2,
            round_iterations=3,
            budget_s=10.0,
            warmup_window_s=0.025,
            warmup_iterations=1,
            warmup_agreement=0.03,
            warmup_cap_s=0.6,
            extras=("energy", "flushed"),
        ),
        Protocol(
            "rigorous",
            precision=0.005,
            visits=20,
            max_visits=60,
            span_s=180.0,
            fresh=True,
            min_rounds=1,
            max_rounds=2,
            round_s=0.3,
            round_iterations=5,
            budget_s=60.0,
            warmup_window_s=0.05,
            warmup_iterations=1,
            warmup_agreement=0.02,
            extras=("energy", "flushed", "alone", "device_only"),
        ),
        # nothing is repeated there, so no round may be left out of the mean
        Protocol("original", method="published", max_repeats=0, clean=CLEAN, timeout_s=7200.0),
    )
}
"""The named protocols, loosest first."""
