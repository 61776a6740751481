from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.catalog.duration import WORKER_S, about, expected_by_case, expected_s
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.plan import BATCH_MAX, Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS


def guess(name="resnet50", device="cpu", batch=8, protocol="default", image=None):
    workload = find_model(name).workload
    case = Case(workload.with_image(image) if image else workload, device, batch)
    return expected_s(Plan("p", (case,), PROTOCOLS[protocol]))


def test_an_empty_plan_takes_no_time():
    assert expected_s(Plan("p", (), PROTOCOLS["default"])) == 0


def test_rows_add_up_but_for_the_start_of_a_worker_in_each_visit_which_they_share():
    workload = find_layer("Dense").workload
    one, two = Case(workload, "cpu", 1), Case(workload, "cpu", 2)
    protocol = PROTOCOLS["quick"]
    both = expected_s(Plan("p", (one, two), protocol))
    apart = expected_s(Plan("p", (one,), protocol)) + expected_s(Plan("p", (two,), protocol))
    assert both == pytest.approx(apart - protocol.max_visits * WORKER_S)


def test_more_work_takes_longer():
    assert guess("vgg19") > guess("resnet18")
    assert guess(batch=64) > guess(batch=1)
    assert guess(image=448) > guess(image=64)
    assert guess("vgg19") > guess("vgg19", device="cuda:0")


def test_protocols_are_ordered_by_their_care():
    assert guess(protocol="quick") < guess(protocol="default") < guess(protocol="rigorous")


def test_visits_multiply_until_the_time_budget_ends_them():
    protocol = replace(PROTOCOLS["default"], span_s=0.0)

    def seconds(visits, name="resnet18"):
        case = Case(find_model(name).workload, "cpu", 1)
        return expected_s(Plan("p", (case,), replace(protocol, max_visits=visits)))

    assert seconds(12) == pytest.approx(3 * seconds(4))
    assert seconds(60, "vit_h_14") == seconds(5, "vit_h_14")


def test_a_short_plan_takes_the_shortest_span():
    case = Case(find_layer("Dense").workload, "cpu", 1)
    assert expected_s(Plan("p", (case,), PROTOCOLS["quick"])) >= PROTOCOLS["quick"].span_s
    longer = replace(PROTOCOLS["rigorous"], span_s=900.0)
    assert expected_s(Plan("p", (case,), longer)) == pytest.approx(900.0)


def test_the_published_method_takes_its_fixed_iterations():
    vgg = find_model("vgg16")
    per_inference_s = vgg.gmacs * 8 / 50
    clean_s = 60.0
    assert guess("vgg16", protocol="original") == pytest.approx(51 * 4 * per_inference_s + clean_s, rel=0.15)


def test_a_pass_is_bounded_by_its_budget_unless_one_iteration_is_longer():
    slow_iteration_s = find_model("vit_h_14").gmacs * 8 / 50
    assert guess("vit_h_14") > 5 * 4 * slow_iteration_s


def test_a_model_of_another_version_is_guessed_all_the_same():
    workload = replace(find_model("resnet18").workload, op="resnet_of_tomorrow")
    assert expected_s(Plan("p", (Case(workload, "cpu", 8),), PROTOCOLS["default"])) > 0


def test_what_earlier_runs_took_counts_more_than_the_guess():
    protocol = replace(PROTOCOLS["default"], visits=3)
    known_case, new_case = (Case(find_model(name).workload, "cpu", 8) for name in ("resnet18", "vgg16"))
    both = Plan("p", (known_case, new_case), protocol)
    by_case = expected_by_case(both, {known_case.case_id: 7.0, "another": 1e9})
    assert by_case[known_case.case_id] == 7.0
    assert by_case[new_case.case_id] == expected_by_case(both)[new_case.case_id]
    assert sum(expected_by_case(both, {known_case.case_id: 7.0}).values()) == pytest.approx(sum(by_case.values()))


def test_an_earlier_run_of_no_length_is_no_knowledge():
    case = Case(find_model("resnet18").workload, "cpu", 8)
    assert sum(expected_by_case(Plan("p", (case,), PROTOCOLS["quick"]), {case.case_id: 0.0}).values()) > 0


def test_a_row_is_given_up_at_its_time_limit_and_takes_no_longer():
    most = PROTOCOLS["default"].timeout_s
    assert guess("vgg19", batch=65536, image=4096) == most
    assert guess("vgg19", batch=65536, protocol="original") == PROTOCOLS["original"].timeout_s


def test_a_row_that_cannot_be_measured_takes_hardly_any_time():
    assert guess("alexnet", image=62) < guess("alexnet", image=63) / 2
    assert guess("resnet18", batch=1, image=32) <= guess("resnet18", batch=2, image=32)


def test_a_compiled_row_has_time_for_a_cold_compilation_and_for_a_warm_one_in_every_visit() -> None:
    eager = Case(find_model("resnet18").workload, "cpu", 1)
    compiled = eager.varied(compile="default")
    protocol = PROTOCOLS["quick"]
    by_case = expected_by_case(Plan("p", (eager, compiled), protocol))
    more_s = by_case[compiled.case_id] - by_case[eager.case_id]
    assert 90 + protocol.visits * 5 <= more_s <= 90 + protocol.max_visits * 5


def test_settings_change_what_is_expected():
    base = Case(find_model("resnet18").workload, "cpu", 8)

    def seconds(case: Case, protocol: str = "quick") -> float:
        return expected_s(Plan("p", (case,), replace(PROTOCOLS[protocol], span_s=0.0)))

    plain = seconds(base)
    assert seconds(base.varied(precision="amp-fp16")) > 2 * plain
    assert seconds(base.varied(compile="default")) > plain + 10.0, "each process compiles anew"
    assert seconds(base.varied(compile="max-autotune")) > seconds(base.varied(compile="default"))
    assert seconds(base.varied(threads="4096")) == plain, "more threads than cores are no faster"
    on_card = replace(base, device="cuda:0")
    assert seconds(replace(on_card, batch=4096).varied(precision="bf16")) < seconds(replace(on_card, batch=4096))
    assert seconds(base.varied(precision="tf32")) < 1.0, "no CPU has it, so nothing is measured"
    assert seconds(replace(on_card, batch=1, settings=(BATCH_MAX,))) > seconds(replace(on_card, batch=64))


def test_only_the_passes_that_are_measured_take_time():
    case = Case(find_model("vgg16").workload, "cpu", 8)
    quick = replace(PROTOCOLS["quick"], span_s=0.0)
    both, inference, step = (
        expected_s(Plan("p", (case,), replace(quick, passes=passes)))
        for passes in (("training", "inference"), ("inference",), ("training", "inference", "step"))
    )
    assert inference < both < step


def test_code_of_ones_own_is_guessed_to_be_short_and_its_duration_is_the_least():
    workload = replace(
        find_model("resnet18").workload, name="net.py:make", op="file:/tmp/net.py:make", params=(("sha256", "0"),)
    )

    def plan(batch):
        return Plan("p", (Case(workload, "cpu", batch),), PROTOCOLS["default"])

    assert expected_s(plan(256)) == expected_s(plan(1)) <= 90.0
    assert about(plan(1)) == "at least"
    known = Case(find_model("resnet18").workload, "cpu", 1)
    assert about(Plan("p", (known,), PROTOCOLS["default"])) == "about"
    assert about(Plan("p", (known, Case(workload, "cpu", 1)), PROTOCOLS["default"])) == "at least"
