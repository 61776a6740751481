"""Ceilings of a run: from the store, or asked of a worker once, behind the first case."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import CaseFinished, CaseStarted, Event, PeakMeasured
from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.peak import DevicePeak, peak_key
from cvbench_tui.core.plan import Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.peaks import DevicePeaks, MemoryStore

FAKE = Path(__file__).parent / "workers" / "fake.py"
TWO = Plan(
    "two",
    expand([(Workload("layer", name, "conv2d", (3, 8, 8)), 1) for name in ("first", "second")], ["cpu"]),
    replace(PROTOCOLS["quick"], visits=1, max_visits=1),
)


@pytest.fixture
def events_of(tmp_path: Path):
    store = MemoryStore()
    sources: list[LiveSource] = []

    def run(mode: str) -> list[Event]:
        command = (sys.executable, str(FAKE), mode, str(tmp_path / "mark"))
        sources.append(LiveSource(command, start_s=60, peaks=store))
        return list(sources[-1].events(TWO))

    yield run
    for source in sources:
        source.close()


def places(events: list[Event], kind: type) -> list[int]:
    return [place for place, event in enumerate(events) if isinstance(event, kind)]


def test_it_is_measured_once_after_the_first_case_and_then_kept(events_of):
    first = events_of("ceiling")
    (place,) = places(first, PeakMeasured)
    assert places(first, CaseFinished)[0] < place < places(first, CaseStarted)[1]
    second = events_of("ceiling")
    (place,) = places(second, PeakMeasured)
    assert place < places(second, CaseStarted)[0]


@pytest.mark.parametrize("mode", ["good", "deaf"])
def test_a_worker_that_knows_no_ceilings_or_dies_of_it_measures_all_the_same(events_of, mode):
    events = events_of(mode)
    assert not places(events, PeakMeasured)
    assert len(places(events, CaseFinished)) == 2


def test_the_fastest_sentinel_of_all_runs_is_kept_with_the_peak(events_of):
    kept = [event.ceiling.product_s for run in range(3) for event in events_of("ceiling") if is_peak(event)]
    # of the two visits the second has the faster one; a run knows those before it
    assert kept == [None, 0.001, 0.001]


def is_peak(event: Event) -> bool:
    return isinstance(event, PeakMeasured)


def test_of_a_row_that_was_added_on_another_device_the_peak_is_looked_up_first(tmp_path):
    source = LiveSource((sys.executable, str(FAKE), "ceiling", str(tmp_path / "mark")), start_s=60)
    with closing(source):
        environment = source.probe()
        store = MemoryStore()
        peaks = DevicePeaks(source._supervisor, store)
        known = DevicePeak("cpu", peak_key(environment, "cpu"), (("float32", 1.0),), None, product_s=1e-4)
        store.put(known)
        list(peaks.stored(replace(TWO, cases=()), environment))  # the plan began without it
        assert list(peaks.measured(TWO.cases[0], environment)) == [PeakMeasured(known)]


def test_a_slower_run_does_not_take_the_place_of_the_best(tmp_path):
    source = LiveSource((sys.executable, str(FAKE), "good", str(tmp_path / "mark")), start_s=60)
    with closing(source):
        environment = source.probe()
        store = MemoryStore()
        key = peak_key(environment, "cpu")
        store.put(DevicePeak("cpu", key, (("float32", 1.0),), None, product_s=1e-4))
        peaks = DevicePeaks(source._supervisor, store)
        for product_s, best_s in ((2e-4, 1e-4), (0.9e-4, 0.9e-4)):
            list(peaks.stored(TWO, environment))
            visit = Visit(0.0, 1.0, 1, product_s=product_s)
            measurement = Measurement(TWO.cases[0].case_id, (), None, None, None, 0.1, 1.0, 2, visit_records=(visit,))
            peaks.record(CaseFinished(measurement), TWO.cases[0], environment)
            peaks.keep()
            assert store[key].product_s == best_s
