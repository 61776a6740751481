"""Verdicts on devices from made-up runs: nothing here was measured on a card."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples, PhaseWork
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.verdict import causes
from cvbench_tui.results.verdict.judge import judge
from cvbench_tui.results.verdict.model import DeviceVerdict, Reference, References
from cvbench_tui.results.verdict.references import _is_torch, product, references
from cvbench_tui.results.verdict.text import as_json, lines
from cvbench_tui.results.verdict.yardsticks import FLOORS, against_kept
from tests.results.samples import ENVIRONMENT, WOBBLE, measurement, model, plan, run_of
from tests.results.trend.kept import history_of, keep

ROW = Case(model("Resnet50", "resnet50"), "cuda:0", 64)
ON_CPU = replace(ROW, device="cpu")
CALM = Evidence(wall_s=0.13, timed_s=0.12, cpu_s=0.13, thread_s=0.13, waited_s=0.0, others_s=0.0, stolen_s=0.0)
NOW_S = 0.03  # of the total: three times the forward pass
PEAK = DevicePeak("cuda:0", "k", (("float32", 40e12), ("tf32", 300e12), ("bfloat16", 600e12)), 2.5e12)
TWICE = References(kept={(ROW.case_id, "total"): (Reference("before", NOW_S / 2),)})


def measured(case: Case = ROW, forward_s: float = 0.01, **evidence: Any) -> Measurement:
    """A quiet row, in whose every round the system did this."""
    seen = replace(CALM, **evidence)
    records = tuple(
        PassRecord(name, (seen,), empty_region_s=1e-7) for name in ("training", "inference") for _ in WOBBLE
    )  # type: ignore[arg-type]
    return replace(measurement(case, forward_s), passes=records)


def host_bound(case: Case = ROW) -> Measurement:
    """A loop of it takes twice as long as the device."""
    row = measured(case)
    wall = tuple(
        replace(each, rounds=tuple(tuple(2 * sample for sample in samples) for samples in each.rounds))
        for each in row.phases
    )
    phases = tuple(replace(each, clock="cuda_event") for each in row.phases)
    return replace(row, phases=phases, wall=wall)


def run_with(row: Measurement | Failure, case: Case = ROW, facts: dict[str, Any] | None = None, **changes: Any) -> Run:
    environment = replace(ENVIRONMENT, facts=tuple({**dict(ENVIRONMENT.facts), **(facts or {})}.items()))
    return replace(run_of(plan(case), row, environment=environment), **changes)


def verdict(
    row: Measurement | Failure | None = None,
    known: References = TWICE,
    case: Case = ROW,
    facts: dict[str, Any] | None = None,
    **changes: Any,
) -> DeviceVerdict:
    mine = {(case.case_id, phase): found for (_, phase), found in known.kept.items()}
    return judge(run_with(row or measured(case), case, facts, **changes), case.device, replace(known, kept=mine))


def codes(found: DeviceVerdict) -> list[str]:
    return [each.code for each in found.causes]


def kept_at(*seconds: float) -> References:
    return References(kept={(ROW.case_id, "total"): tuple(Reference(f"run{n}", s) for n, s in enumerate(seconds))})


@pytest.mark.parametrize(
    ("seconds", "standing"),
    [
        ([NOW_S], "fine"),
        ([NOW_S * 2], "fine"),  # faster than before is no complaint
        ([NOW_S / 1.04], "fine"),  # within 5%
        ([NOW_S / 1.08], "below"),
        ([NOW_S / 1.08, NOW_S / 1.08, NOW_S * 1.01], "fine"),  # the kept runs differ as much
    ],
)
def test_a_row_is_below_when_it_is_slower_than_kept_runs_by_more_than_they_differ(seconds, standing):
    found = verdict(known=kept_at(*seconds))
    assert (found.standing, found.rows[0].standing) == (standing, standing)
    assert found.rows[0].phase == ("total" if standing == "below" else found.rows[0].phase)


def test_published_figures_count_and_are_named():
    known = References(published={(ROW.case_id, "total"): (Reference("published-x", NOW_S / 1.3),)})
    found = verdict(known=known)
    assert found.standing == "below"
    assert any("slower than published-x" in each.sentence for each in found.rows[0].against)
    for bound, standing in ((1.08, "fine"), (1.12, "below")):
        near = References(published={(ROW.case_id, "total"): (Reference("published-x", NOW_S / bound),)})
        assert verdict(known=near).standing == standing
    both = replace(kept_at(NOW_S), published=known.published)
    assert verdict(known=both).standing == "below"  # one yardstick is enough


def test_nothing_to_compare_with_is_said_and_is_no_praise():
    found = verdict(known=References())
    assert found.standing == "unknown"
    assert "nothing to compare" in found.summary
    assert found.rows[0].causes == ()


def test_the_summary_names_the_device_and_counts_its_rows():
    assert verdict(known=kept_at(NOW_S)).summary == (
        "cuda:0 NVIDIA H100 80GB HBM3: as fast as it should be (1 of 1 row)"
    )
    assert verdict(facts={"env.CUDA_LAUNCH_BLOCKING": "1"}).summary == (
        "cuda:0 NVIDIA H100 80GB HBM3: slower than it should be in 1 of 1 row. "
        "Likely: CUDA_LAUNCH_BLOCKING is set: the host waits for every kernel."
    )


CARD = {
    "foreign": ({"foreign": 2}, {}),
    "throttled": ({"throttle": ("thermal",)}, {}),
    "contention": ({"waited_s": 0.01}, {}),
    "swap": ({"swapped_pages": 10**6, "major_faults": 10**4}, {}),
    "allocator": ({"allocations": 3}, {}),
    "recompiled": ({"recompiles": 1}, {}),
    "stopped": ({"stops": 1}, {}),
    "stolen": ({"stolen_s": 0.01}, {}),
    "power_cap": ({}, {"cuda:0.power_limit_w": 250.0, "cuda:0.power_limit_default_w": 350.0}),
    "mps": ({}, {"cuda:0.mps": True}),
    "mig": ({}, {"cuda:0.mig": True}),
    "debug_build": ({}, {"torch_debug": True}),
    "blocking": ({}, {"env.CUDA_LAUNCH_BLOCKING": "1"}),
    "application_clock": ({"clock_hz": 1.38e9}, {"cuda:0.clock_application_hz": 1.38e9}),
    "battery": ({}, {"on_battery": True}),
    "flags": ({}, {"torch_flags": "deterministic=True"}),
}
CPU = {
    "quota": {"quota_cores": 1.0, "cpu_cores": 16},
    "priority": {"nice": 5},
    "profile": {"platform_profile": "low-power"},
    "load": {"load_1min": 9.0, "cpu_cores": 16},
    "pressure_cpu": {"pressure_cpu_share": 0.5},
    "pressure_memory": {"pressure_memory_share": 0.5},
    "memory": {"memory_available_bytes": 2**28},
    "governor": {"governor": "powersave"},
    "turbo_off": {"turbo": False},
    "few_threads": {"usable_cores": 64},
}


@pytest.mark.parametrize("code", CARD)
def test_each_cause_on_a_card_is_found_with_its_remedy_and_not_without_its_evidence(code):
    evidence, facts = CARD[code]
    (first, *_) = found = [each for each in verdict(measured(**evidence), facts=facts).causes if each.code == code]
    assert len(found) == 1
    assert first.sentence.endswith(".")
    assert first.remedy
    assert code not in codes(verdict())


@pytest.mark.parametrize("code", CPU)
def test_each_cause_on_a_processor_is_found_and_is_nothing_to_a_card_that_sets_the_pace(code):
    assert code in codes(verdict(case=ON_CPU, facts=CPU[code]))
    assert code not in codes(verdict(case=ON_CPU))
    assert code not in codes(verdict(facts=CPU[code]))


def test_a_host_that_sets_the_pace_is_a_cause_with_the_hosts_own():
    found = verdict(host_bound(), facts=CPU["governor"])
    assert {"host_bound", "governor"} <= set(codes(found))
    (bound,) = [each for each in found.causes if each.code == "host_bound"]
    assert "batch 64" in bound.sentence
    assert "host_bound" not in [each.code for each in found.remarks], "said once"


def test_what_is_fine_has_host_bound_rows_as_a_remark():
    found = verdict(host_bound(), known=kept_at(1.0))
    assert (found.standing, found.causes) == ("fine", ())
    assert "host_bound" in [each.code for each in found.remarks]


def test_a_clock_below_that_of_kept_runs_is_a_cause():
    before = References(kept={(ROW.case_id, "total"): (Reference("before", NOW_S / 2, clock_hz=1.9e9),)})
    assert "lower_clock" in codes(verdict(measured(clock_hz=1.4e9), before))
    assert "lower_clock" not in codes(verdict(measured(clock_hz=1.88e9), before))


def test_what_is_other_than_in_the_fastest_kept_run_is_a_cause():
    environment = replace(ENVIRONMENT, versions=(("torch", "2.11"),), identity_hash="0" * 16)
    before = References(kept={(ROW.case_id, "total"): (Reference("before", NOW_S / 2, environment),)})
    run = run_with(measured())
    run = replace(run, environment=replace(run.environment, identity_hash="1" * 16))
    (cause,) = [each for each in judge(run, "cuda:0", before).causes if each.code == "changed"]
    assert "torch 2.14.1+cu130, was 2.11" in cause.sentence


def test_without_evidence_no_cause_is_made_up():
    found = verdict()
    assert found.causes == (causes.UNEXPLAINED,)
    assert "Likely" not in found.summary


def test_another_cards_state_explains_nothing():
    other = Device("cuda:1", "another", 2**34)
    facts = {"cuda:1.power_limit_w": 100.0, "cuda:1.power_limit_default_w": 350.0}
    environment = replace(ENVIRONMENT, devices=(*ENVIRONMENT.devices, other), facts=tuple(facts.items()))
    run = replace(run_of(plan(ROW), measured(), environment=environment))
    assert "power_cap" not in codes(judge(run, "cuda:0", TWICE))


def test_every_cause_that_is_tested_is_in_the_registry_and_few_are_not():
    tested = {*CARD, *CPU, "host_bound", "lower_clock", "changed"}
    known = {each.code for each in causes.CAUSES}
    assert tested <= known
    assert known - tested == {"graph_break", "slow_machine", "clock"}, "reasons that the tests of grades have"


def with_share(share: float, precision: str = "fp32") -> DeviceVerdict:
    """A row that reaches that share of float32's peak, or of the peak of its precision."""
    case = ROW.varied(precision=precision)
    peak = PEAK.flops("float32") if precision == "fp32" else PEAK.flops("bfloat16")
    assert peak is not None
    work = tuple(PhaseWork(phase, int(share * peak * s), 0, 1) for phase, s in (("total", 0.03), ("inference", 0.0075)))
    row = replace(measured(case), work=work)  # type: ignore[arg-type]
    return verdict(row, References(), case, ceilings={"cuda:0": PEAK})


@pytest.mark.parametrize(("precision", "floor"), [("fp32", FLOORS[True]), ("amp-bf16", FLOORS[False])])
def test_an_implausible_share_of_the_devices_own_peak_is_below(precision, floor):
    assert with_share(floor / 2, precision).rows[0].standing == "below"
    assert with_share(floor * 2, precision).rows[0].standing == "fine"


def test_float32_on_a_card_with_tf32_is_a_remark_and_not_a_fault():
    found = with_share(0.5)
    (remark,) = [each for each in found.remarks if each.code == "tf32_off"]
    assert found.standing == "fine"
    assert "7.50x as fast. Nothing is wrong with the card." in remark.sentence
    assert "tf32_off" not in [each.code for each in with_share(0.5, "amp-bf16").remarks]


@pytest.mark.parametrize(
    ("best", "sure", "standing"),
    [(1.05, True, "fine"), (1.15, True, "below"), (1.3, True, "below"), (1.3, False, "unknown")],
)
def test_peaks_are_compared_with_the_best_kept(best, sure, standing):
    others = (replace(PEAK, flops_per_s=tuple((name, best * rate) for name, rate in PEAK.flops_per_s)),)
    found = verdict(known=References(peaks=others), ceilings={"cuda:0": replace(PEAK, sure=sure)})
    by_name = {each.name: each.standing for each in found.peaks}
    assert by_name["float32 matmul"] == standing
    assert by_name["copy"] == ("fine" if sure else "unknown")


def test_rows_without_numbers_are_told_and_not_judged():
    found = verdict(Failure(ROW.case_id, "unsupported", "This card has no bfloat16."))
    assert found.rows == ()
    assert found.not_measured == (("Resnet50", "This card has no bfloat16."),)
    assert found.summary.endswith("cannot be judged: no row has numbers")


def test_an_invalid_row_is_not_judged_and_says_why():
    row = measured()
    broken = replace(row, phases=tuple(PhaseSamples(each.phase, ((0.0, 0.0),), 1, "perf_counter", "fixed") for each in row.phases))  # fmt: skip  # noqa: E501
    found = verdict(replace(broken, visit_rounds=()))
    assert found.standing == "unknown"
    assert "no row has a valid time" in found.summary


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("NVIDIA GeForce GTX 1080 Ti", "GTX 1080 Ti", True),
        ("NVIDIA GeForce GTX 1080", "GTX 1080 Ti", False),
        ("NVIDIA H100 80GB HBM3", "H100", True),
        ("NVIDIA H100 PCIe", "NVIDIA H100 80GB HBM3", False),
        ("Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz", "Intel Xeon Silver 4114 CPU @ 2.20GHz", True),
    ],
)
def test_products_are_told_apart_by_model_and_not_by_brand_or_memory(one, other, same):
    assert (product(one) == product(other)) is same


def test_kept_runs_are_those_of_the_same_case_and_product_without_the_run_itself(tmp_path):
    keep(tmp_path, "before", measured(), cases=(ROW,), peaks=(PEAK,))
    card = replace(ENVIRONMENT.devices[1], name="another card")
    elsewhere = replace(ENVIRONMENT, devices=(ENVIRONMENT.devices[0], card))
    keep(tmp_path, "other", measured(), cases=(ROW,), environment=elsewhere)
    run = run_with(measured())
    keep(tmp_path, run.id, measured(), cases=(ROW,), day=1)
    found = references(history_of(tmp_path), run, "cuda:0")
    assert [each.name for each in found.kept[ROW.case_id, "total"]] == ["before"]
    assert found.kept[ROW.case_id, "total"][0].seconds == pytest.approx(NOW_S, rel=0.01)
    assert [each.flops_per_s for each in found.peaks] == [PEAK.flops_per_s]
    assert references(history_of(tmp_path), run, "cuda:7") == References()


def test_an_invalid_kept_run_is_no_reference(tmp_path):
    keep(tmp_path, "busy", measured(waited_s=0.12), cases=(ROW,))
    assert references(history_of(tmp_path), run_with(measured()), "cuda:0").kept == {}


def test_published_figures_of_that_card_in_pytorch_are_found(tmp_path):
    case = Case(model("VGG16", "vgg16"), "cuda:1", 8)
    card = Device("cuda:1", "NVIDIA GeForce GTX 1080 Ti", 11 * 2**30)
    run = run_of(plan(case), measured(case), environment=replace(ENVIRONMENT, devices=(card,)))
    found = references(History(tmp_path), run, "cuda:1")
    times = {phase: [(each.name, each.seconds) for each in known] for (_, phase), known in found.published.items()}
    assert times["total"] == [("published-1080ti", pytest.approx(0.0852))]
    assert times["inference"] == [("published-1080ti", pytest.approx(0.0234))]


@pytest.mark.parametrize("width", [20, 80, 120])
def test_lines_have_everything_and_fit(width):
    facts = {"cuda:0.power_limit_w": 250.0, "cuda:0.power_limit_default_w": 350.0}
    found = verdict(measured(foreign=1), facts=facts, ceilings={"cuda:0": PEAK})
    page = lines([found, found], width)
    assert all(len(line) <= max(width, 60) for line in page)
    text = " ".join(" ".join(page).split())
    for each in (*found.causes, *found.remarks):
        assert each.sentence in text
        assert each.remedy in text
    assert "BELOW Resnet50" in text


def test_hostile_names_stay_text():
    environment: Environment = replace(ENVIRONMENT, devices=(replace(ENVIRONMENT.devices[1], name="a\x1b[31m\n[b]"),))
    case = Case(model("x|\x1b]0;\n[/]"), "cuda:0", 8)
    run = run_of(plan(case), measured(case), environment=environment)
    found = judge(run, "cuda:0", References())
    assert all(line.isprintable() for line in lines([found], 80))
    assert json.loads(as_json([found]))["devices"][0]["name"] == "a\x1b[31m\n[b]"


def test_a_row_whose_interval_reaches_the_bound_is_not_below():
    row = SimpleNamespace(result=SimpleNamespace(median_s=1.08, low_s=1.04), kept=(Reference("before", 1.0),))
    assert against_kept(row).below is False
    row.result.low_s = 1.06
    assert against_kept(row).below is True


def test_where_the_host_sets_the_pace_the_devices_peak_says_nothing():
    work = (PhaseWork("total", int(FLOORS[True] / 2 * 40e12 * 2 * NOW_S), 0, 1),)
    found = verdict(replace(host_bound(), work=work), References(), ceilings={"cuda:0": PEAK})
    assert found.rows[0].standing == "unknown"


def test_published_figures_that_read_images_are_of_other_work():
    assert _is_torch("PyTorch NGC 21.03")
    assert not _is_torch("PyTorch NGC 21.03, reading images")
    assert not _is_torch("Flux 0.6.8+")
