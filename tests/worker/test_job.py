"""What surrounds the stopwatch in the process of one case."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import torch

from cvbench_tui.catalog.names import find_layer
from cvbench_tui.core.event import CaseFailed, CaseFinished, PeakMeasured, Progress
from cvbench_tui.core.evidence import PassRecord
from cvbench_tui.core.measurement import PHASES, Notice, PassEnergy, PhaseSamples
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.extras import collect as beside
from cvbench_tui.worker.extras import peak
from cvbench_tui.worker.extras.budget import UNLIMITED
from cvbench_tui.worker.process import job
from cvbench_tui.worker.process.channel import protocol_from
from cvbench_tui.worker.timing import recorded
from cvbench_tui.worker.timing.stopwatch import PassResult
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

pytestmark = pytest.mark.torch

WITHOUT_STEP = PHASES[:4]


class Sent(list):
    """A channel that keeps what is sent."""

    send = list.append


@pytest.fixture
def _as_before():
    threads = torch.get_num_threads()
    yield
    gc.enable()
    gc.unfreeze()
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("_as_before")
def test_while_it_is_timed_the_collector_is_off_and_the_threads_are_the_cases(monkeypatch):
    seen = []

    class Watch:
        def __init__(self, *_args, **_options) -> None:
            pass

        def run(self) -> PassResult:
            seen.append((gc.isenabled(), gc.get_freeze_count() > 0, torch.get_num_threads()))
            return PassResult([], PassRecord("training"), 0.0)

    monkeypatch.setattr(job, "Stopwatch", Watch)
    case = Case(find_layer("Dense").workload, "cpu", 1, settings=(("threads", "1"),))
    sent = Sent()
    job.Job(case, PROTOCOLS["quick"], 0, sent).run()
    assert seen == [(False, True, 1)] * 2
    (finished,) = [event for event in sent if isinstance(event, CaseFinished)]
    assert finished.measurement.threads == 1


def test_a_case_that_cannot_be_built_is_its_failure_and_nothing_is_raised():
    case = replace(Case(find_layer("Dense").workload, "cpu", 1), settings=(("precision", "float8"),))
    sent = Sent()
    job.Job(case, PROTOCOLS["quick"], 0, sent).run()
    (failed,) = [event for event in sent if isinstance(event, CaseFailed)]
    assert failed.failure.kind == "unsupported"


@pytest.mark.usefixtures("_as_before")
def test_the_sentinel_has_as_many_threads_in_every_row_and_the_row_its_own_again(monkeypatch):
    seen = []
    monkeypatch.setattr(job, "intra_op_threads", lambda: 2)
    monkeypatch.setattr(job, "sentinel", lambda *_: seen.append(torch.get_num_threads()) or (1e-4, 1e-3))
    sent = Sent()
    case = Case(find_layer("Dense").workload, "cpu", 1, settings=(("threads", "1"),))
    job.Job(case, PROTOCOLS["quick"], 1, sent).run()
    (finished,) = [event for event in sent if isinstance(event, CaseFinished)]
    assert (seen, torch.get_num_threads(), finished.measurement.threads) == ([2], 1, 1)
    assert finished.measurement.visit_records[0].product_s == 1e-4


@pytest.mark.usefixtures("_as_before")
def test_a_row_without_memory_for_the_sentinel_is_as_good(monkeypatch):
    def fails(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(job, "sentinel", fails)
    sent = Sent()
    job.Job(Case(find_layer("Dense").workload, "cpu", 1), PROTOCOLS["quick"], 1, sent).run()
    (finished,) = [event for event in sent if isinstance(event, CaseFinished)]
    assert finished.measurement.visit_records[0].product_s is None
    assert len(finished.measurement.phases) == 4


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize("keep", [True, False])
def test_a_process_that_goes_on_gives_back_what_a_visit_held(monkeypatch, keep):
    given_back = []
    monkeypatch.setattr(job, "_give_back", lambda: given_back.append(True))
    monkeypatch.setattr(job, "Stopwatch", Steady)
    sent = Sent()
    assert job.Job(Case(find_layer("Dense").workload, "cpu", 1), PROTOCOLS["quick"], 1, sent, keep=keep).run()
    assert given_back == [True] * keep


class Steady:
    """A stopwatch that needs no time."""

    def __init__(self, timed, *_args, **_options) -> None:
        self.name = timed.name

    def run(self) -> PassResult:
        return PassResult([], PassRecord(self.name, warmup_s=0.5), 2.0)


@pytest.fixture
def outcome(monkeypatch):
    monkeypatch.setattr(job, "Stopwatch", Steady)

    def measure(visit=0, notices=(), **changes):
        sent = Sent()
        protocol = replace(PROTOCOLS["quick"], **changes)
        job.Job(
            Case(find_layer("Dense").workload, "cpu", 1, settings=(("threads", "1"),)), protocol, visit, sent, notices
        ).run()
        (finished,) = [event for event in sent if isinstance(event, CaseFinished)]
        return finished.measurement

    return measure


def test_a_protocol_comes_through_a_request_with_the_one_inside_it():
    for protocol in PROTOCOLS.values():
        assert protocol_from(json.loads(json.dumps(asdict(protocol)))) == protocol


@pytest.mark.usefixtures("_as_before")
def test_a_device_that_queues_gives_the_row_both_times(monkeypatch):
    class Queueing(CpuBackend):
        queues = True

    monkeypatch.setattr(job, "backend_for", lambda _device: Queueing())
    sent = Sent()
    job.Job(Case(find_layer("Dense").workload, "cpu", 1), PROTOCOLS["quick"], 0, sent).run()
    (finished,) = [event for event in sent if isinstance(event, CaseFinished)]
    assert [samples.phase for samples in finished.measurement.wall] == list(WITHOUT_STEP)
    rounds = zip(finished.measurement.phases, finished.measurement.wall, strict=True)
    assert all(len(device.rounds) == len(wall.rounds) for device, wall in rounds)


def test_a_peak_is_measured_with_the_workers_own_number_of_threads(monkeypatch):
    def measure(device, _backend, key):
        return DevicePeak(str(device), key, (("float32", torch.get_num_threads()),), None)

    monkeypatch.setattr(peak, "measure", measure)
    monkeypatch.setattr(job, "intra_op_threads", lambda: 2)
    torch.set_num_threads(1)
    sent = Sent()
    job.run({"kind": "ceiling", "device": "cpu", "key": "k"}, sent)
    assert sent == [PeakMeasured(DevicePeak("cpu", "k", (("float32", 2),), None))]


@pytest.mark.usefixtures("_as_before")
def test_the_passes_accounts_add_up(outcome):
    measurement = outcome()
    assert [record.name for record in measurement.passes] == ["training", "inference"]
    assert (measurement.timed_s, measurement.warmup_s) == (4.0, 1.0)
    assert measurement.memory_peak_bytes == max(
        (memory.resident_bytes or 0 for memory in measurement.memory), default=None
    )


@pytest.mark.usefixtures("_as_before")
def test_what_is_beside_the_times_never_costs_the_row(outcome, monkeypatch):
    def fails(*_args, **_options):
        raise RuntimeError("CUDA error: out of luck\nsecond line")

    for name in ("phase_memory", "phase_work", "count_phases", "VariantTimer", "meter_for"):
        monkeypatch.setattr(beside, name, fails)
    measurement = outcome(extras=("energy",))
    assert [notice.code for notice in measurement.notices] == ["memory_failed", "work_failed"]
    later = outcome(visit=1, extras=("energy",))
    assert [notice.code for notice in later.notices] == ["variants_failed", "energy_failed"]
    assert measurement.notices[0].sentence == "Not measured (memory): RuntimeError: CUDA error: out of luck"
    assert len(measurement.passes) == 2


@pytest.mark.usefixtures("_as_before")
def test_what_does_not_fit_the_time_limit_is_said_and_the_row_is_kept(monkeypatch):
    class Slow(Steady):
        def run(self) -> PassResult:
            samples = PhaseSamples("total", ((100.0,),), 1, "perf_counter", "budget")
            return PassResult([samples], PassRecord(self.name), 100.0)

    monkeypatch.setattr(job, "Stopwatch", Slow)
    monkeypatch.setattr(beside, "meter_for", lambda *_: object())
    sent = Sent()
    once = replace(PROTOCOLS["quick"], visits=1, max_visits=1)
    protocol = replace(once, extras=("alone", "energy"), timeout_s=300.0)
    job.Job(Case(find_layer("Dense").workload, "cpu", 1, settings=(("threads", "1"),)), protocol, 0, sent).run()
    (finished,) = [event for event in sent if isinstance(event, CaseFinished)]
    notices = {notice.code: notice.sentence for notice in finished.measurement.notices}
    assert set(notices) == {"memory_failed", "alone_failed", "energy_failed"}
    assert notices["energy_failed"] == "Not measured (energy): it does not fit the time limit of the case."
    assert len(finished.measurement.passes) == 2


def test_an_iteration_takes_what_the_slower_of_device_and_host_takes():
    samples = PhaseSamples("total", ((0.1,), (0.2, 0.4, 0.3)), 1, "cuda_event", "budget")
    wall = PhaseSamples("total", ((0.1,), (0.5, 0.4, 0.6)), 1, "cuda_event", "budget")
    assert beside._iteration_s(PassResult([samples], PassRecord("training"), 1.0)) == 0.3
    assert beside._iteration_s(PassResult([samples], PassRecord("training"), 1.0, (wall,))) == 0.5
    assert beside._iteration_s(PassResult([], PassRecord("training"), 1.0)) == 0.0


@pytest.fixture
def original(monkeypatch):
    """The case of a Dense layer by the published loop, with what was seen of each call of its modules."""
    gc.freeze()  # as the server leaves it
    monkeypatch.setattr(job, "intra_op_threads", lambda: 1)
    seen, made = [], []

    class Seen(ModuleUnderTest):
        def __init__(self, case, protocol) -> None:
            alive = sum(each() is not None for each in made)
            super().__init__(case, protocol)
            made.append(weakref.ref(self))
            method = protocol.method
            self.module.register_forward_hook(
                lambda *_: seen.append((method, alive, gc.isenabled(), gc.get_freeze_count() > 0))
            )

    monkeypatch.setattr(job, "ModuleUnderTest", Seen)

    def measure(clean, **changes):
        sent = Sent()
        protocol = replace(PROTOCOLS["original"], iterations=5, clean=clean, **changes)
        job.Job(Case(find_layer("Dense").workload, "cpu", 1), protocol, 0, sent).run()
        (finished,) = [event for event in sent if isinstance(event, CaseFinished)]
        fractions = [event.fraction for event in sent if isinstance(event, Progress)]
        return finished.measurement, seen, fractions

    return measure


@pytest.mark.usefixtures("_as_before")
def test_the_published_loop_makes_the_first_call_with_the_collector_on(original):
    measurement, seen, _ = original(None)
    assert seen[:10] == [("published", 0, True, False)] * 10, "five iterations of training, five of inference"
    assert all(not enabled for _, _, enabled, _ in seen[10:]), "what comes after is not timed"
    assert measurement.first_call_s == pytest.approx(measurement.phase("total").rounds[0][0], abs=1e-6)
    assert measurement.clean is None


@pytest.mark.usefixtures("_as_before")
def test_beside_the_published_loop_the_case_is_built_anew_and_measured_by_todays_method(original):
    measurement, seen, fractions = original(replace(PROTOCOLS["quick"], budget_s=0.1, warmup_cap_s=0.1))
    clean = [each for each in seen if each[0] == "rounds"]
    assert clean
    assert set(clean[1:]) == {("rounds", 0, False, True)}, "the first module is gone, the collector is off"
    assert [phase.phase for phase in measurement.clean.phases] == list(WITHOUT_STEP)
    assert [record.name for record in measurement.clean.passes] == ["training", "inference"]
    assert measurement.clean.warmup_s > 0 == measurement.warmup_s
    assert measurement.wall_s > measurement.clean.wall_s > 0
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1


@pytest.mark.usefixtures("_as_before")
def test_published_numbers_stay_where_the_clean_ones_cannot_be_had(original, monkeypatch):
    monkeypatch.setattr(job, "Stopwatch", None)
    measurement, _, _ = original(PROTOCOLS["quick"])
    assert (len(measurement.phases), measurement.clean) == (4, None)
    assert [notice.code for notice in measurement.notices] == ["clean_failed"]
    monkeypatch.setattr(job, "CLEAN_ITERATIONS", 10**9)
    (notice,) = original(PROTOCOLS["quick"])[0].notices
    assert notice.sentence == "Not measured (clean): it does not fit the time limit of the case."


@pytest.mark.usefixtures("_as_before")
def test_the_work_is_a_formula_and_counted_in_the_first_visit_only(outcome):
    assert outcome().work
    assert not outcome(visit=1).work


@pytest.mark.usefixtures("_as_before")
def test_what_the_start_of_the_process_has_to_say_stands_in_every_row(outcome):
    notice = Notice("affinity_shrunk", "Cores were taken.")
    assert outcome(notices=(notice,)).notices == (notice,)


@pytest.mark.usefixtures("_as_before")
def test_energy_is_taken_in_the_rounds_own_blocks(outcome, monkeypatch):
    asked = []

    def energy(timed, _backend, _meter, regions, group):
        asked.append((timed.name, regions, group))
        return PassEnergy(timed.name, "rapl", 2.0, 10, 5.0)

    monkeypatch.setattr(beside, "pass_energy", energy)
    monkeypatch.setattr(beside, "meter_for", lambda *_: object())
    assert [energy.name for energy in outcome(visit=1, extras=("energy",)).energy] == ["training", "inference"]
    assert asked == [("training", 10, 1), ("inference", 10, 1)]
    assert outcome(visit=0, extras=("energy",)).energy == ()  # all rows have their times first
    assert outcome(visit=1, extras=()).energy == ()


def test_energy_of_a_recorded_row_is_of_its_replays(monkeypatch):
    case, seen = Case(find_layer("Dense").workload, "cpu", 1), []
    monkeypatch.setattr(recorded, "GraphPass", lambda *_: "replays")
    monkeypatch.setattr(beside, "meter_for", lambda *_: object())
    monkeypatch.setattr(beside, "pass_energy", lambda timed, *_: seen.append(timed))
    collector = beside.ExtrasCollector(case, PROTOCOLS["quick"], CpuBackend(), lambda: None)
    result = SimpleNamespace(record=PassRecord("inference", group=1), regions_per_block=1)
    collector._measure_energy(SimpleNamespace(case=case.varied(graph="on")), [result], UNLIMITED)
    assert seen == ["replays"]


def test_the_sentinel_has_the_switches_of_a_row_without_settings(monkeypatch):
    """TF32 in convolutions is on in PyTorch and off in a row of fp32."""
    seen = []
    monkeypatch.setattr(job, "sentinel", lambda *_: seen.append(torch.backends.cudnn.allow_tf32) or (1e-4, 1e-3))
    case = Case(find_layer("Dense").workload, "cpu", 1).varied(precision="fp32")
    job.Job(case, PROTOCOLS["quick"], 1, Sent()).run()
    assert seen == [True]
