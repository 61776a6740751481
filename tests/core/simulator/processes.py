"""What a workload on a machine may do, as functions of virtual time: the truth is known, so a rule can be caught.

A process is drawn for each repeat from a seeded generator. ``level(t)`` is the median iteration at time t, as a
share of the base; ``begin(t)`` begins a visit, since some of it is each fresh process's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from statistics import NormalDist
from typing import Literal

Truth = Literal["level", "sustained", "average"]
"""What a number is held against: the constant median; the level that remains for good; the mean level while it was
timed, where no level remains and no clock can know what comes later."""
QUIET = 0.005
"""Standard deviation of an iteration on a quiet machine."""


@dataclass(frozen=True)
class Process:
    """One machine's way with one workload."""

    level: Callable[[float], float]
    noise: Callable[[], float]
    """Added to the level at every iteration, as a share of it."""
    waits: bool = False
    """True when what a level has above 1 is time without a core, which the system tells."""
    begin: Callable[[float], None] = lambda _: None


@dataclass(frozen=True)
class Kind:
    """A family of processes."""

    name: str
    draw: Callable[[Random], Process]
    truth: Truth
    story: str
    sustained: float = 1.0
    """The level that remains, and the constant one's."""
    one_mode: bool = False
    """True when it is stationary (after a warm-up) with one mode: intervals have to cover."""


def _gauss(random: Random, deviation: float) -> Callable[[], float]:
    return lambda: random.gauss(0.0, deviation)


def _correlated(random: Random, deviation: float, rho: float) -> Callable[[], float]:
    """An AR(1) series from its stationary distribution."""
    state = random.gauss(0.0, deviation)
    fresh = deviation * math.sqrt(1 - rho * rho)

    def following() -> float:
        nonlocal state
        state = rho * state + random.gauss(0.0, fresh)
        return state

    return following


def _steady(_: float) -> float:
    return 1.0


def _quiet(random: Random) -> Process:
    return Process(_steady, _gauss(random, QUIET))


def _ar1(random: Random) -> Process:
    return Process(_steady, _correlated(random, 0.02, 0.6))


SPIKE_SHARE = 0.05


def _spikes(random: Random) -> Process:
    usual = _correlated(random, 0.01, 0.6)

    def noise() -> float:
        spike = random.uniform(0.5, 2.0) if random.random() < SPIKE_SHARE else 0.0
        return usual() + spike

    return Process(_steady, noise)


def _each_visit(random: Random, own: Callable[[float], float], draw: Callable[[], float] = lambda: 1.0) -> Process:
    """``own`` of the seconds since the visit began, times what is drawn for each visit."""
    begun_s, factor = 0.0, 1.0

    def begin(t: float) -> None:
        nonlocal begun_s, factor
        begun_s, factor = t, draw()

    return Process(lambda t: factor * own(t - begun_s), _gauss(random, QUIET), begin=begin)


def _ramp(random: Random) -> Process:
    return _each_visit(random, lambda t: 1 + 0.3 * math.exp(-t / 0.05))


def _layout(random: Random) -> Process:
    return _each_visit(random, _steady, lambda: random.gauss(1.0, 0.01))


def _contaminated(random: Random) -> Process:
    return _each_visit(random, _steady, lambda: random.gauss(1.0, 0.01) * random.choice([1.0] * 18 + [1.2, 1.5]))


def _droop(random: Random) -> Process:
    return Process(lambda t: 1.12 - 0.12 * math.exp(-t), _gauss(random, QUIET))


def _switching(random: Random, slow_level: float, slow_s: float, usual_s: float) -> Callable[[float], float]:
    """Two levels, each held for times drawn from an exponential distribution."""
    slow, until = random.random() < usual_s / (slow_s + usual_s), 0.0

    def level(t: float) -> float:
        nonlocal slow, until
        while t >= until:
            slow = not slow
            until += random.expovariate(1 / (slow_s if slow else usual_s))
        return slow_level if slow else 1.0

    return level


def _two_state(random: Random) -> Process:
    return Process(_switching(random, 1.1, 0.08, 0.16), _gauss(random, QUIET))


def _neighbour(random: Random) -> Process:
    return Process(_switching(random, 2.0, 0.15, 1.5), _gauss(random, QUIET), waits=True)


def _crowd(random: Random) -> Process:
    return Process(lambda _: 2.0, _gauss(random, QUIET), waits=True)


def _wandering(random: Random, *parts: tuple[float, float]) -> Callable[[float], float]:
    """A sum of Ornstein-Uhlenbeck levels, each with its standard deviation and the seconds that it lasts."""
    states, seen_s = [random.gauss(0.0, deviation) for deviation, _ in parts], 0.0

    def level(t: float) -> float:
        nonlocal seen_s
        for place, (deviation, lasts_s) in enumerate(parts):
            rho = math.exp(-(t - seen_s) / lasts_s)
            states[place] = rho * states[place] + random.gauss(0.0, deviation * math.sqrt(1 - rho * rho))
        seen_s = t
        return 1 + sum(states)

    return level


def _wander(random: Random) -> Process:
    return Process(_wandering(random, (0.02, 0.5), (0.02, 5.0)), _gauss(random, QUIET))


def _flicker(random: Random) -> Process:
    parts = [(0.01, lasts_s) for lasts_s in (0.5, 2.0, 8.0, 32.0, 128.0)]
    return Process(_wandering(random, *parts), _gauss(random, QUIET))


def _step(random: Random) -> Process:
    at = random.uniform(0.0, 60.0)
    return Process(lambda t: 1.05 if t >= at else 1.0, _gauss(random, QUIET))


def _drift(random: Random) -> Process:
    rate = random.uniform(0.0002, 0.002)
    return Process(lambda t: 1 + rate * t, _gauss(random, QUIET))


KINDS = (
    Kind("quiet", _quiet, "level", "0.5% of independent noise", one_mode=True),
    Kind("AR(1)", _ar1, "level", "2% of noise, each iteration correlated 0.6 with the last", one_mode=True),
    Kind(
        "spikes", _spikes, "level", "1% of noise correlated 0.6; one iteration in 20 takes 1.5 to 3 times as long",
        sustained=1 + 0.01 * NormalDist().inv_cdf(0.5 / (1 - SPIKE_SHARE)), one_mode=True,
    ),
    Kind("ramp", _ramp, "level", "30% slower as a visit begins, decaying with 50 ms, as caches fill", one_mode=True),
    Kind("layout", _layout, "level", "1% from one fresh process to the next", one_mode=True),
    Kind("contaminated", _contaminated, "level", "a tenth of the visits 20 or 50% slower, 1% otherwise", one_mode=True),
    Kind("wander", _wander, "level", "2% of noise that lasts for 0.5 s, and 2% that lasts for 5 s", one_mode=True),
    Kind("droop", _droop, "sustained", "12% slower in the end, approached with 1 s, as when a card warms up", 1.12),
    Kind("two-state", _two_state, "average", "10% slower for 80 ms in the mean after every 160 ms"),
    Kind("flicker", _flicker, "level", "1% each of noise that lasts for 0.5, 2, 8, 32 and 128 s: like 1/f"),
    Kind("step", _step, "average", "5% slower for good from a moment within the first minute"),
    Kind("neighbour", _neighbour, "level", "twice as slow, waiting for a core, for 150 ms in the mean every 1.5 s"),
    Kind("crowd", _crowd, "level", "a busy process on every core: twice as slow all the time"),
    Kind("drift", _drift, "average", "0.02 to 0.2% slower every second, without end"),
)  # fmt: skip
