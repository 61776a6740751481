import inspect
from dataclasses import fields, replace

import pytest

from cvbench_tui.core.evidence import Evidence, PassRecord, Visit
from cvbench_tui.core.grading import system
from cvbench_tui.core.grading.assess import CHECKS, INVALIDATING, assess, valid, worst
from cvbench_tui.core.grading.bounds import surely_valid
from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import GRADE_HELP, GRADES, REASONS
from cvbench_tui.core.measurement import (
    Compilation,
    Measurement,
    Notice,
    PhaseSamples,
    PhaseWork,
    ResultCheck,
    Variant,
)
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.core.stats.estimate import Estimate
from cvbench_tui.core.stats.stop_rule import flags_by_visit
from tests.core.graded import BASE_S, CALM, DEFAULT, THREE, case, noisy, record, rounds, with_evidence
from tests.every import every

PEAK = DevicePeak("cpu", "key", (("float32", 1e11), ("tf32", 9e11)), 1e10, cache_bytes=1 << 20)
RIGOROUS = PROTOCOLS["rigorous"]


def work(flops: int = 0, footprint: int = 0, winograd: bool = False) -> tuple[PhaseWork, ...]:
    return (PhaseWork("inference", flops, footprint, footprint, winograd),)


def training(forward: float, backward: float, total: float) -> Measurement:
    phases = (("forward", forward), ("backward", backward), ("total", total))
    taken = [PhaseSamples(name, rounds(*(level,) * 5), 1, "perf_counter", "precision") for name, level in phases]
    return replace(case(), phases=tuple(taken))


def queued(wall: float, utilisation: float | None, *, lead_s: float | None = 0.02, **seen: float) -> Measurement:
    """On a card: ``wall`` times the device's time in a loop."""
    evidence = replace(CALM, utilisation=utilisation, **seen)
    found = case(None, record(*(evidence,) * 5, lead_s=lead_s), clock="cuda_event")
    (device,) = found.phases
    loop = tuple(tuple(wall * sample for sample in samples) for samples in device.rounds)
    return replace(found, wall=(replace(device, rounds=loop),))


def of_visits(*levels: float, **changes: object) -> Measurement:
    taken = tuple(samples for level in levels for samples in rounds(*(level,) * 5))
    return case(taken, **{"visit_rounds": (("inference", (5,) * len(levels)),)} | changes)


def found(measurement: Measurement, protocol: Protocol = DEFAULT, **known: object) -> dict[str, str]:
    """Grade by code of the first phase, every sentence checked to be one."""
    phase = measurement.phases[0].phase
    assessment = assess(measurement, phase, protocol, **known)
    assert GRADES.index(assessment.grade) >= GRADES.index(worst(reason.grade for reason in assessment.reasons))
    assert [GRADES.index(reason.grade) for reason in assessment.reasons] == sorted(
        (GRADES.index(reason.grade) for reason in assessment.reasons), reverse=True
    )
    for reason in assessment.reasons:
        assert reason.code in REASONS
        assert reason.sentence.endswith(".")
    return {reason.code: reason.grade for reason in assessment.reasons}


def seen_by_sentinel(*levels: float) -> Measurement:
    visits = tuple(Visit(0.0, 1.0, process, product_s=1e-4 * level) for process, level in enumerate(levels))
    return case(visit_records=visits)


SLOWLY = tuple(noisy(1 + 0.003 * step, seed=step) for step in range(6))
WIDE = rounds(1, 1.012, 0.988, 1.01, 0.99)
TWO = tuple(noisy(1, 8, seed) + noisy(1.1, 4, seed) for seed in range(5))
BUSY = replace(CALM, waited_s=0.04)
ALONE = Variant("alone", PhaseSamples("inference", rounds(1.05), 1, "perf_counter", "fixed"))

HOST_BOUND = queued(1.2, 0.99)
SHORT_ON_A_CARD = replace(HOST_BOUND, passes=tuple(replace(each, region_floor_s=0.05) for each in HOST_BOUND.passes))

EACH_VISIT_RISES = of_visits(1, 1, visit_rounds=(("inference", (6, 6)),))
EACH_VISIT_RISES = replace(EACH_VISIT_RISES, phases=(replace(EACH_VISIT_RISES.phases[0], rounds=SLOWLY * 2),))
SLOW_CASE = of_visits(
    *(1,) * 5,
    passes=(record(replace(CALM, timed_s=20.0, wall_s=21.0)),) * 5,
    visit_records=tuple(Visit(100.0 * number, 25.0, number) for number in range(5)),
)
"""Its time budget was over after five visits."""

ALONE_AS_FUSED = Variant("alone", PhaseSamples("inference", rounds(1), 1, "cuda_event", "fixed"))

SEEN = [
    ("one_visit", "D", case(rounds(1)), {}),
    ("one_visit", "D", case(()), {}),
    ("one_visit", None, case(rounds(1, 1)), {}),
    ("few_visits", "B", of_visits(1, 1), {"protocol": RIGOROUS}),
    ("few_visits", "B", of_visits(*(1,) * 19), {"protocol": RIGOROUS}),
    ("few_visits", None, of_visits(*(1,) * 20), {"protocol": RIGOROUS}),
    ("few_visits", None, SLOW_CASE, {"protocol": RIGOROUS}),
    ("one_process", "B", case(visit_records=THREE[:1]), {}),
    ("one_process", "B", case(visit_records=()), {}),
    ("one_process", "B", of_visits(1, 1, 1, visit_records=THREE[:1]), {}),
    ("two_processes", "B", case(visit_records=THREE[:2]), {}),
    ("one_process", None, case(visit_records=(), clock="cuda_event"), {}),
    ("one_process", None, replace(HOST_BOUND, visit_records=()), {}),
    ("unsettled", "B", case(None, record(settled=False)), {}),
    ("unsettled", "B", case(None, record(settled=False), record()), {}),
    ("unsettled", None, case(None, record(settled=False), record(), record()), {}),
    ("unsettled", "B", case(notices=(Notice("unsettled_inference", "It was not."),)), {}),
    ("drift", "B", case(SLOWLY), {}),
    ("drift", "C", case(rounds(*(1 + 0.01 * step for step in range(6)))), {}),
    ("drift", "B", of_visits(*(1 + 0.003 * step for step in range(6))), {}),
    ("drift", "C", of_visits(*(1 - 0.01 * step for step in range(6))), {}),
    ("drift", None, of_visits(1, 1.02, 0.99, 1.01, 1.02, 0.98), {}),
    ("drift", None, EACH_VISIT_RISES, {}),
    ("bimodal", "C", case(TWO), {}),
    ("contention", "B", with_evidence(waited_s=0.004), {}),
    ("contention", "C", with_evidence(waited_s=0.012), {}),
    ("contention", "X", with_evidence(waited_s=0.05), {}),
    ("waits_unknown", "B", with_evidence(waited_s=None), {}),
    ("contention", "B", with_evidence(others_s=0.2), {"facts": {"cpu_cores": 2}}),
    ("stolen", "B", with_evidence(stolen_s=0.002), {}),
    ("stolen", "C", with_evidence(stolen_s=0.01), {}),
    ("stolen", "X", with_evidence(stolen_s=0.1), {}),
    ("slow_machine", None, seen_by_sentinel(1, 1.02, 1.02), {}),
    ("slow_machine", "C", seen_by_sentinel(1, 1.05, 1.05), {}),
    ("slow_machine", "C", seen_by_sentinel(1, 1.2, 1.2), {}),
    ("slow_machine", None, seen_by_sentinel(1, 1, 1.2), {}),  # most of the visits were not
    ("slow_machine", "C", seen_by_sentinel(1, 1, 1), {"peak": DevicePeak("cpu", "k", (), None, product_s=0.8e-4)}),
    ("slow_machine", None, seen_by_sentinel(1, 1, 1), {"peak": DevicePeak("cpu", "k", (), None)}),
    ("repeated", "A", case(rounds(1, 1.4, 1, 1, 1, 1), record(CALM, BUSY, CALM, CALM, CALM, CALM)), {}),
    ("repeated", "A", case(rounds(*(1,) * 10), record(*(BUSY,) * 3, *(CALM,) * 7)), {}),
    ("clock", "B", case(None, record(*(replace(CALM, clock_hz=hz) for hz in (3e9, 3e9, 3e9, 3e9, 2.6e9)))), {}),
    ("throttled", "C", with_evidence(throttle=("thermal", "power_cap")), {}),
    ("power_cap", "A", with_evidence(throttle=("power_cap",)), {}),
    ("host_bound", "B", queued(1.2, 0.99), {}),
    ("host_bound", None, queued(1.02, 0.99), {}),
    ("host_bound", "B", queued(1.0, 0.999, lead_s=0.0, outran=1.0), {}),
    ("host_bound", "B", queued(1.0, 0.999, outran=1.0), {}),
    ("unaccounted", "X", queued(1.2, 0.8, outran=1.0), {}),
    ("host_bound", "B", queued(1.2, 0.999, outran=0.1), {}),
    ("unaccounted", None, queued(1.0, 0.8, waited_s=0.03), {}),
    ("unaccounted", "X", replace(queued(1.0, 0.8), wall=()), {}),
    ("unaccounted", "X", queued(1.0, 0.8), {}),
    ("unaccounted", "X", queued(1.2, 0.8, outran=0.0), {}),
    ("deferred", "X", case(None, record(deferred_share=0.9)), {}),
    ("allocator", "B", with_evidence(allocations=1), {}),
    ("allocator", "C", with_evidence(allocations=1, retries=1), {}),
    ("recompiled", "C", with_evidence(recompiles=1), {}),
    ("graph_break", "B", case(compilation=Compilation(9.0, 3, breaks=1)), {}),
    ("graph_break", None, case(compilation=Compilation(9.0, 2, recompiles=1, graph_skips=2)), {}),
    ("graph_skipped", "B", replace(queued(1.0, 0.99), compilation=Compilation(9.0, 2, graph_skips=2)), {}),
    ("graph_skipped", None, case(compilation=Compilation(9.0, 2, graph_skips=2)), {}),
    ("collections", "B", with_evidence(collections=1), {}),
    ("swap", "B", with_evidence(swapped_pages=20), {}),
    ("swap", "C", with_evidence(major_faults=20), {}),
    ("foreign", "C", with_evidence(foreign=1), {}),
    ("stopped", "C", with_evidence(stops=1), {}),
    ("stopped", None, case(rounds(*(1,) * 6), record(*(CALM,) * 5, replace(CALM, stops=1))), {}),
    ("foreign", None, case(rounds(*(1,) * 6), record(*(CALM,) * 5, replace(CALM, foreign=1))), {}),
    ("battery", "B", case(), {"facts": {"on_battery": True}}),
    ("visit_failed", "B", case(notices=(Notice("visit_failed", "It crashed."),)), {}),
    ("fused_differs", "A", case(variants=(ALONE,)), {}),
    ("fused_differs", None, replace(HOST_BOUND, variants=(ALONE_AS_FUSED,)), {}),
    ("winograd", "A", case(work=work(int(2e9), winograd=True)), {"peak": PEAK}),
    ("impossible_rate", "X", case(work=work(int(2e9))), {"peak": PEAK}),
    ("impossible_rate", "X", case(work=work(int(5e9), winograd=True)), {"peak": PEAK}),
    ("impossible_rate", "X", replace(queued(3.0, 0.99), work=work(int(2e9))), {"peak": PEAK}),
    ("impossible_rate", "X", case(work=work(footprint=int(2e8))), {"peak": PEAK}),
    ("not_same", "X", case(check=ResultCheck(0.5, 0.1)), {}),
    ("not_same", "X", case(check=ResultCheck(0.05, 0.1, 2.0, 1.0)), {}),
    ("not_same", None, case(check=ResultCheck(0.05, 0.1, 0.2, 1.0)), {}),
    ("not_same", None, case(check=ResultCheck(0.05, 0.1)), {}),
    ("impossible_parts", "X", training(1.2, 0.5, 1.0), {}),
    ("impossible_parts", "X", with_evidence(timed_s=0.14), {}),
    ("broken_clock", "X", case((*rounds(1, 1, 1, 1), (0.01, 0.0, 0.01))), {}),
    ("broken_clock", "X", case((*rounds(1, 1, 1, 1), (0.01, float("nan")))), {}),
    ("no_variation", "X", case(((BASE_S,) * 4,) * 5), {}),
    ("short_region", "B", case(None, record(empty_region_s=1e-4)), {}),
    ("short_region", "C", case(None, record(empty_region_s=3e-4)), {}),
    ("short_region", "X", case(None, record(empty_region_s=6e-4)), {}),
    ("short_region", "B", case(notices=(Notice("short_region_inference", "It is."),)), {}),
    ("short_region", "B", case(None, record(region_floor_s=0.02)), {}),
    ("short_region", "C", case(None, record(region_floor_s=0.04)), {}),
    ("short_region", "C", case(None, record(region_floor_s=0.04, empty_region_s=1e-4)), {}),
    ("unaccounted", "X", queued(1.0, 0.4, waited_s=0.005), {}),
    ("short_region", "B", SHORT_ON_A_CARD, {}),
    ("short_region", "B", case(None, record(region_floor_s=0.04), clock="cuda_event"), {}),
]


@every("seen", SEEN, ids=lambda seen: (SEEN.index(seen), *seen[:2]))
def test_whether_a_number_is_valid_is_told_as_by_its_grade(seen):
    *_, measurement, known = seen
    terms = {"protocol": DEFAULT, "peak": None, "facts": {}} | known
    for phase in measurement.numbers:
        grade = assess(measurement, phase.phase, **terms).grade
        assert valid(GradingContext(measurement, phase, **terms)) == (grade != "X")


def test_validity_is_that_of_the_grade_whatever_one_counter_says():
    """Extremes of the counters must never rule out an X that the rounds have."""
    floats = (None, 0.0, 1e-5, 0.0004, 0.0006, 0.001, 0.002, 0.005, 0.01, 0.019, 0.03, 0.05, 0.1, 0.13, 0.2, 0.5, 1.0)
    values = {"float": floats[1:], "float | None": floats, "int": (1, 2, 50), "int | None": (None, 0, 1, 9, 10, 64)}
    brief = replace(CALM, wall_s=0.03, timed_s=0.03, cpu_s=0.03, thread_s=0.03)  # 19 ms are much of it
    seen = set()
    for kind in (Evidence, PassRecord):
        for field in fields(kind):
            for value in values.get(str(field.type), ()):
                changes = {field.name: value}
                if kind is PassRecord:
                    rows = [case(None, record(**changes))]
                else:
                    odd, short = replace(CALM, **changes), replace(brief, **changes)
                    rows = [case(None, record(*each)) for each in ((odd,) * 5, (CALM, odd, CALM, CALM), (short,) * 5)]
                for row in rows:
                    context = GradingContext(row, row.phases[0], DEFAULT, None, {})
                    is_valid = assess(row, "inference", DEFAULT).grade != "X"
                    assert valid(context) == is_valid, changes
                    seen.add((field.name, is_valid, surely_valid(context)))
    assert {name for name, is_valid, _ in seen if not is_valid} >= {"waited_s", "stolen_s", "timed_s", "utilisation"}
    assert {name for name, is_valid, _ in seen if not is_valid} >= {"empty_region_s", "deferred_share", "wall_s"}
    assert sum(sure for *_, sure in seen) > 20, "what it is for"


def test_every_grade_of_x_is_given_by_a_check_that_decides_on_validity():
    """By their text: a check that can say X and is not listed would leave an invalid number in comparisons."""
    texts = {check: inspect.getsource(check) for check in CHECKS}
    helped = {system.contention, system.stolen_time}  # by the steps of their shares
    assert {check for check, text in texts.items() if '"X"' in text} | helped <= set(INVALIDATING)
    assert {name for name, steps in vars(system).items() if name.isupper() and "'X'" in str(steps)} == {
        "WAITED",
        "STOLEN",
    }


@every(("code", "grade", "measurement", "known"), SEEN, ids=lambda seen: (SEEN.index(seen), *seen[:2]))
def test_each_reason_is_found_and_graded(code, grade, measurement, known):
    assert found(measurement, **known).get(code) == grade


def test_no_reason_is_without_a_test_and_each_has_meaning_and_remedy():
    assert {code for code, *_ in SEEN} == set(REASONS)
    for kind in REASONS.values():
        assert 0 < len(kind.word) <= len("two processes")
        assert kind.meaning.endswith(".")
        assert kind.remedy.endswith(".")
    assert set(GRADE_HELP) == set(GRADES)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
def test_a_quiet_measurement_is_graded_a_with_nothing_to_remark(protocol):
    quiet = of_visits(*(1,) * protocol.visits)
    assert found(quiet, protocol) == {}
    assert assess(quiet, "inference", protocol).grade == "A"
    calm = replace(quiet, passes=(record(),) * protocol.visits)
    assert found(calm, protocol, peak=PEAK, facts={"on_battery": False}) == {}


@every("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
@every(
    ("width", "letter"),
    [(0.0099, "A"), (0.0101, "B"), (0.0299, "B"), (0.0301, "C"), (0.099, "C"), (0.101, "D")],
    ids=str,
)
def test_the_letter_is_that_of_the_interval_in_every_protocol(monkeypatch, protocol, width, letter):
    low_s, high_s = (BASE_S * (1 + side * width) for side in (-1, 1))
    monkeypatch.setattr("cvbench_tui.core.grading.context.estimate_of", lambda _: Estimate(BASE_S, low_s, high_s))
    monkeypatch.setattr("cvbench_tui.core.grading.context.fmean", lambda _: BASE_S)
    assert assess(of_visits(*(1,) * protocol.visits), "inference", protocol).grade == letter


def test_the_letter_of_the_published_method_is_that_of_the_mean():
    cold = case(((0.3, *noisy(1, 10)), *rounds(*(1,) * 9, count=10)))
    assert assess(cold, "inference", DEFAULT).grade == "A"
    assert assess(cold, "inference", PROTOCOLS["original"]).grade == "D"


def test_a_reason_caps_the_letter_and_never_raises_it():
    wide = case(rounds(1, 1.2, 0.8, 1.1, 0.9), facts := record(settled=False))
    assert found(wide) == {"unsettled": "B"}
    assert assess(wide, "inference", DEFAULT).grade == "D"
    assert assess(case(None, facts), "inference", DEFAULT).grade == "B"


def test_reasons_of_one_grade_are_in_the_order_of_their_kinds():
    both = case(SLOWLY, record(*(replace(CALM, waited_s=0.004, collections=1),) * 6, settled=False), visit_records=())
    codes = [reason.code for reason in assess(both, "inference", DEFAULT).reasons]
    assert codes == [code for code in REASONS if code in codes]
    assert codes == ["unsettled", "drift", "contention", "collections", "one_process"]


def test_a_file_of_schema_1_is_graded_from_its_samples_alone():
    assert found(case()) == {}
    assert found(case(visit_records=())) == {"one_process": "B"}


def test_drift_counts_alike_under_the_published_method():
    rising = case(rounds(*(1 + 0.007 * step for step in range(10))))
    assert found(rising, PROTOCOLS["original"]) == found(rising) == {"drift": "C"}


def test_what_belongs_to_the_published_loop_is_no_reason_there():
    taken = with_evidence(collections=2, allocations=3)
    assert found(taken) == {"collections": "B", "allocator": "B"}
    assert found(taken, PROTOCOLS["original"]) == {}


def test_no_round_is_left_out_of_the_published_mean():
    disturbed = case(None, record(replace(CALM, swapped_pages=1000), *(CALM,) * 4))
    assert flags_by_visit(disturbed, "inference", DEFAULT) == ((False, *(True,) * 4),)
    assert flags_by_visit(disturbed, "inference", PROTOCOLS["original"]) == ((True,) * 5,)


def test_sentences_carry_their_figure():
    def sentence(measurement: Measurement) -> str:
        return assess(measurement, "inference", DEFAULT).reasons[0].sentence

    assert sentence(with_evidence(waited_s=0.0156)) == ("Benchmark threads waited for a CPU core 12% of the time.")
    assert sentence(queued(1.2, 0.99)) == "A loop takes 12 ms an iteration, the device needs 10 ms."
    assert (
        sentence(queued(1.2, 0.99, outran=1.0))
        == "A loop takes 12 ms an iteration, the device's own time is not known."
    )
    assert sentence(case(rounds(1))) == "Only 1 round with 12 samples."
    assert sentence(with_evidence(foreign=2)) == "2 other processes used the card."
    assert sentence(with_evidence(foreign=1)) == "1 other process used the card."
    assert sentence(with_evidence(throttle=("thermal", "power_brake"))) == (
        "Throttled: thermal in 5, power brake in 5 of 5 rounds."
    )


def test_a_peak_says_nothing_when_it_is_unsure_or_the_bytes_fit_a_cache():
    fast = case(work=work(int(2e9), footprint=int(2e8)))
    assert found(fast, peak=replace(PEAK, sure=False)) == {}
    assert found(case(work=work(footprint=int(2e8))), peak=replace(PEAK, cache_bytes=1 << 26)) == {}
    assert found(case(work=work(footprint=int(2e8))), peak=replace(PEAK, cache_bytes=None)) == {}
    # tf32 is a card's: it raises the peak there, and not on the processor
    assert found(case(work=work(int(2e9))), peak=replace(PEAK, device="cuda:0")) == {}


def test_the_cards_own_clock_does_not_see_the_host_wait():
    waiting = replace(CALM, waited_s=0.05, utilisation=0.99, host_s=0.001)
    assert found(case(None, record(*(waiting,) * 5), clock="cuda_event")) == {"contention": "B"}


def of_threads(threads: int, waited_s: float, cpu_s: float) -> Measurement:
    """Waits of all threads in sum and CPU seconds, both for each second of wall time."""
    one = replace(CALM, waited_s=waited_s * CALM.wall_s, cpu_s=cpu_s * CALM.wall_s)
    return case(None, record(*(one,) * 5), threads=threads)


@every(
    ("threads", "waited_s", "cpu_s", "grade"),
    [
        (1, 0.36, 0.64, "X"),  # a busy process on every core
        (2, 1.0, 1.0, "X"),
        (63, 63 * 0.001, 62.9, None),
        (63, 63 * 0.005, 62.7, "B"),
        (15, 0.5, 14.5, "C"),  # one foreign process on 16 cores shares the core of one thread
        (63, 0.5, 62.5, "C"),
        (8, 0.5 * 8, 4.0, "X"),
    ],
)
def test_waits_are_judged_between_the_mean_of_the_threads_and_their_sum(threads, waited_s, cpu_s, grade):
    assert found(of_threads(threads, waited_s, cpu_s)).get("contention") == grade


def test_the_sentence_about_waiting_has_mean_and_sum():
    (reason,) = assess(of_threads(15, 0.5, 14.5), "inference", DEFAULT).reasons
    assert reason.sentence == ("Benchmark threads waited for a CPU core 3.3% of the time (50% in all 15).")


@every("others_s", [None, 0.0])
def test_where_waiting_cannot_be_seen_there_is_no_a(others_s):
    """macOS, Windows, a kernel without schedstat: whatever CPU seconds and switches were counted."""
    for changes in ({"cpu_s": 0.26}, {"cpu_s": 4 * 0.065, "switches": 40}, {"cpu_s": None}, {"thread_s": 0.0651}):
        blind = replace(CALM, waited_s=None, stolen_s=None, others_s=others_s, **changes)
        for threads in (None, 1, 4):
            (reason,) = assess(case(None, record(*(blind,) * 5), threads=threads), "inference", DEFAULT).reasons
            assert (reason.code, reason.grade) == ("waits_unknown", "B")
            assert reason.sentence == "This system does not report whether threads waited for a CPU core."


def test_a_device_with_a_clock_of_its_own_does_not_need_to_see_it():
    blind = replace(CALM, waited_s=None, others_s=None)
    assert found(case(None, record(*(blind,) * 5), clock="cuda_event")) == {}


def test_others_are_worth_a_word_only_where_the_cores_do_not_suffice_for_both():
    busy = with_evidence(others_s=10 * CALM.wall_s)
    assert found(busy, facts={"cpu_cores": 64}) == {}
    assert found(busy, facts={"cpu_cores": 10}) == {"contention": "B"}
    assert found(busy) == {}


def test_heat_is_not_set_aside():
    hot = replace(CALM, throttle=("thermal",))
    assert found(case(rounds(*(1,) * 6), record(*(CALM,) * 5, hot))) == {"throttled": "C"}


def test_a_round_that_was_disturbed_and_still_counts_keeps_the_grade_from_a():
    barely = replace(CALM, waited_s=0.008)  # 6% of this round, 0.8% of all: too many to be set aside
    protocol = replace(DEFAULT, max_repeats=0)
    measurement = case(rounds(*(1,) * 8), record(barely, *(CALM,) * 7))
    assert found(measurement, protocol) == {"contention": "B"}


def test_nothing_is_too_little_to_be_graded():
    bare = Evidence(wall_s=0.0, timed_s=0.0)
    for taken in ((), ((),), ((0.01,),), ((0.01,), (0.01,)), ((0.01,) * 3,), ((), (0.01,))):
        for passes in ((), (PassRecord("inference"),), (PassRecord("inference", (bare,) * len(taken)),)):
            for protocol in PROTOCOLS.values():
                measurement = case(taken, *passes, work=work(1, 1), threads=None, visit_records=())
                assert assess(measurement, "inference", protocol, PEAK, {}).grade != "A"
    with pytest.raises(KeyError):
        assess(case(), "forward", DEFAULT)


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"quota_cores": 0.5, "cpu_cores": 2}, " The container's quota, 0.5 of 2 cores, pauses them too."),
        ({"quota_cores": 4.0, "cpu_cores": 64, "affinity": "0-3"}, ""),
        ({"cpu_cores": 2}, ""),
        ({"quota_cores": "odd", "cpu_cores": 2}, ""),
    ],
)
def test_a_quota_is_named_where_threads_waited(facts, named):
    told = assess(with_evidence(waited_s=0.05), "inference", DEFAULT, facts=facts).reasons
    (reason,) = [each for each in told if each.code == "contention"]
    assert reason.sentence.endswith(f"of the time.{named}")
