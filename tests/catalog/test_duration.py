from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.catalog.duration import expected_by_case, expected_s
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS


def guess(name="resnet50", device="cpu", batch=8, protocol="default", image=None):
    workload = find_model(name).workload
    case = Case(workload.with_image(image) if image else workload, device, batch)
    return expected_s(Plan("p", (case,), PROTOCOLS[protocol]))


def test_an_empty_plan_takes_no_time():
    assert expected_s(Plan("p", (), PROTOCOLS["default"])) == 0


def test_rows_add_up():
    workload = find_layer("Dense").workload
    one, two = Case(workload, "cpu", 1), Case(workload, "cpu", 2)
    protocol = PROTOCOLS["quick"]
    both = expected_s(Plan("p", (one, two), protocol))
    assert both == pytest.approx(expected_s(Plan("p", (one,), protocol)) + expected_s(Plan("p", (two,), protocol)))


def test_more_work_takes_longer():
    assert guess("vgg19") > guess("resnet18")
    assert guess(batch=64) > guess(batch=1)
    assert guess(image=448) > guess(image=64)
    assert guess("vgg19") > guess("vgg19", device="cuda:0")


def test_protocols_are_ordered_by_their_care():
    assert guess(protocol="quick") < guess(protocol="default") < guess(protocol="rigorous")


def test_fresh_processes_multiply():
    workload = find_model("resnet18").workload
    protocol = PROTOCOLS["default"]
    once = expected_s(Plan("p", (Case(workload, "cpu", 1),), protocol))
    thrice = expected_s(Plan("p", (Case(workload, "cpu", 1),), replace(protocol, visits=3)))
    assert thrice == pytest.approx(3 * once)


def test_the_published_method_takes_its_fixed_iterations():
    vgg = find_model("vgg16")
    per_inference_s = vgg.gmacs * 8 / 50
    clean_s = guess("vgg16", protocol="quick")
    assert guess("vgg16", protocol="original") == pytest.approx(51 * 4 * per_inference_s + clean_s, rel=0.05)


def test_a_pass_is_bounded_by_budget_and_warm_up_unless_one_iteration_is_longer():
    protocol = PROTOCOLS["default"]
    assert guess("resnet18", batch=1) < 2 * (protocol.budget_s + protocol.warmup_cap_s) + 2
    slow_iteration_s = find_model("vit_h_14").gmacs * 8 / 50
    assert guess("vit_h_14") > protocol.min_rounds * 4 * slow_iteration_s


def test_a_model_of_another_version_is_guessed_all_the_same():
    workload = replace(find_model("resnet18").workload, op="resnet_of_tomorrow")
    assert expected_s(Plan("p", (Case(workload, "cpu", 8),), PROTOCOLS["default"])) > 0


def test_what_earlier_runs_took_counts_more_than_the_guess():
    protocol = replace(PROTOCOLS["default"], visits=3)
    known_case, new_case = (Case(find_model(name).workload, "cpu", 8) for name in ("resnet18", "vgg16"))
    both = Plan("p", (known_case, new_case), protocol)
    by_case = expected_by_case(both, {known_case.case_id: 7.0, "another": 1e9})
    assert by_case[known_case.case_id] == 3 * 7.0
    assert by_case[new_case.case_id] == expected_by_case(both)[new_case.case_id]
    assert sum(expected_by_case(both, {known_case.case_id: 7.0}).values()) == pytest.approx(sum(by_case.values()))


def test_an_earlier_run_of_no_length_is_no_knowledge():
    case = Case(find_model("resnet18").workload, "cpu", 8)
    assert sum(expected_by_case(Plan("p", (case,), PROTOCOLS["quick"]), {case.case_id: 0.0}).values()) > 0
