"""Samples in one block of memory behave as the tuples they stand for."""

from __future__ import annotations

import dataclasses
import json
import sys
from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvbench_tui.core.measurement import PhaseSamples
from cvbench_tui.core.stats.sample_array import SampleArray

ROUNDS = st.lists(st.lists(st.floats(allow_nan=False)).map(tuple)).map(tuple)


@given(ROUNDS, ROUNDS)
def test_they_are_as_the_tuples(one: tuple[tuple[float, ...], ...], two: tuple[tuple[float, ...], ...]) -> None:
    packed = SampleArray(one)
    assert packed == one
    assert one == packed
    assert (packed == SampleArray(two)) == (one == two)
    assert hash(packed) == hash(one)
    assert tuple(packed) == one
    assert len(packed) == len(one)
    assert bool(packed) == bool(one)
    assert repr(packed) == repr(one)


@given(ROUNDS, st.integers(-4, 4), st.integers(-4, 4))
def test_parts_of_them(rounds: tuple[tuple[float, ...], ...], start: int, stop: int) -> None:
    packed = SampleArray(rounds)
    assert packed[start:stop] == rounds[start:stop]
    assert packed[::-1] == rounds[::-1]
    if -len(rounds) <= start < len(rounds):
        assert packed[start] == rounds[start]
    else:
        with pytest.raises(IndexError):
            packed[start]


def test_the_same_samples_in_other_rounds_are_not_equal() -> None:
    assert SampleArray(((1.0, 2.0), (3.0,))) != SampleArray(((1.0,), (2.0, 3.0)))
    assert SampleArray(((1.0,),)) != [(1.0,)]


def test_a_phase_holds_them_packed_and_gives_them_back_to_the_last_bit() -> None:
    rounds = ((nextafter(0.1, inf), 1e-300), (0.1 + 0.2,))
    phase = PhaseSamples("total", rounds, 1, "perf_counter", "precision")
    assert isinstance(phase.rounds, SampleArray)
    assert phase == dataclasses.replace(phase)
    told = json.loads(json.dumps(dataclasses.asdict(phase)))
    assert told["rounds"] == [list(taken) for taken in rounds]


def test_a_sample_takes_a_third_of_the_memory() -> None:
    rounds = tuple(tuple(float(10 * number + place) for place in range(10)) for number in range(6))
    loose = sum(sys.getsizeof(taken) + sum(map(sys.getsizeof, taken)) for taken in rounds) + sys.getsizeof(rounds)
    packed = SampleArray(rounds)
    assert sys.getsizeof(packed) + sys.getsizeof(packed._samples) < loose / 3
