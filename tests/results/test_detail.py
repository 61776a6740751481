from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.facts import environment_id
from cvbench_tui.core.grading.reasons import REASONS
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.results.detail.row import Section, detail, histograms
from tests.results.samples import CONV, ENVIRONMENT, UNSETTLED, graded_run, measurement, model, plan, run_of

CASE = Case(CONV, "cpu", 8)
TRACE = "Traceback (most recent call last):\n  File [bold]x.py[/bold]\nRuntimeError: [/]"


def sections(found: tuple[Section, ...]) -> dict[str, Section]:
    return {section.title: section for section in found}


def test_a_measured_row_is_told_phase_by_phase() -> None:
    found = sections(detail(run_of(plan(CASE), measurement(CASE, 0.1)), CASE.case_id))
    told = ["Conv3x3/1", "Forward", "Backward", "Total", "Inference", "Case", "Repeat this row", "Environment"]
    assert list(found)[: len(told)] == told
    forward = dict(found["Forward"].pairs)
    assert forward["median"] == "100.1 ms"
    assert forward["95% CI"] == "100.0 to 100.2 ms, \u00b10.1% over 1 min"
    assert forward["mean"] == "100.1 ms"
    assert forward["minimum"] == "99.90 ms"
    assert forward["samples"] == "20 in 10 rounds in 10 visits"
    assert forward["stopped"] == "\u00b11% reached"


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        ("rounds", "maximum of 12 rounds reached before \u00b11%"),
        ("budget", "6 s time limit reached before \u00b11%"),
        ("fixed", "fixed number of iterations"),
    ],
)
def test_why_it_stopped_is_said(stop, words: str) -> None:
    single = replace(plan(CASE), protocol=Protocol("single"))
    found = sections(detail(run_of(single, measurement(CASE, 0.1, stop=stop)), CASE.case_id))
    assert words in dict(found["Total"].pairs)["stopped"]


def test_a_row_measured_in_turn_stopped_when_its_ratio_was_precise() -> None:
    other = CASE.varied(memory_format="channels_last")
    in_turn = replace(plan(CASE, other), alternate="memory_format")

    def stopped(second, of=in_turn) -> str:
        taken = measurement(CASE, 0.1)
        steps = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45]

        def slower(measured):
            phases = [
                replace(phase, rounds=tuple(tuple((1 + step) * each for each in samples) for samples, step in zip(
                    phase.rounds, steps, strict=True)))
                for phase in measured.phases
            ]  # fmt: skip
            return replace(measured, phases=tuple(phases))

        run = run_of(of, slower(taken), *(slower(each) for each in second))
        return dict(sections(detail(run, CASE.case_id))["Total"].pairs)["stopped"]

    assert stopped([measurement(other, 0.12)]) == "\u00b11% of the ratio reached"
    assert stopped([]) == "it had 10 of at most 20 visits"
    alone = replace(in_turn, alternate="")
    assert stopped([measurement(other, 0.12)], alone) == "it had 10 of at most 20 visits"


def test_grouped_iterations_are_named() -> None:
    taken = measurement(CASE, 0.1)
    grouped = replace(taken, phases=tuple(replace(phase, iterations_per_sample=16) for phase in taken.phases))
    found = sections(detail(run_of(plan(CASE), grouped), CASE.case_id))
    assert dict(found["Total"].pairs)["samples"].endswith("each the mean of 16 iterations")


def test_the_case_its_notices_and_the_machine() -> None:
    taken = measurement(CASE, 0.1, notices=(UNSETTLED,))
    found = sections(detail(run_of(plan(CASE), taken), CASE.case_id))
    head = dict(found["Conv3x3/1"].pairs)
    assert head["quality"] == "A"
    assert head["input"] == "8 x 3 x 224 x 224"
    assert head["device"] == "cpu, Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz"
    assert head["built by"] == "conv2d(in_channels=3, kernel_size=3, out_channels=64, padding=1, stride=1)"
    assert found["Notices"].pairs == (("unsettled", f"{UNSETTLED.sentence} {REASONS['unsettled'].remedy}"),)
    facts = dict(found["Case"].pairs)
    assert (facts["peak memory"], facts["first call"], facts["warm-up"]) == ("768 MiB", "500.0 ms", "1.250 s")
    assert (facts["wall time"], facts["threads"], facts["visits"]) == ("40.00 s", "16", "10")
    environment = dict(found["Environment"].pairs)
    assert environment["started"] == "2026-11-24 15:10:12 UTC"
    assert environment["torch"] == "2.14.1+cu130"
    assert found["Other facts"].pairs == (("platform", "Linux"),), "one of earlier versions"
    assert dict(found["Memory"].pairs)["memory available"] == "8.00 GiB"
    assert dict(found["State when it was read"].pairs)["on battery"] == "no"


def test_the_facts_of_other_cards_are_left_out() -> None:
    here = replace(ENVIRONMENT, facts=(("cuda:0.power_limit_w", 250.0), ("cuda:1.power_limit_w", 300.0)))
    case = Case(CONV, "cuda:0", 8)
    found = sections(detail(run_of(plan(case), measurement(case, 0.1), environment=here), case.case_id))
    assert found["Cards"].pairs == (("cuda:0 power limit", "250.0 W"),)


def test_facts_of_an_earlier_version_are_shown_by_their_names_and_its_identity_by_the_rest() -> None:
    facts = (("l3_cache_bytes", 2**25), ("mitigations", "spectre_v1"), ("cuda:0.fan_share", 0.3))
    older = replace(ENVIRONMENT, facts=facts, identity_hash="0123456789abcdef")
    case = Case(CONV, "cuda:0", 8)
    found = sections(detail(run_of(plan(case), measurement(case, 0.1), environment=older), case.case_id))
    shown = (("l3 cache", "32.0 MiB"), ("mitigations", "spectre_v1"), ("cuda:0 fan", "30%"))
    assert found["Other facts"].pairs == shown
    assert dict(found["Environment"].pairs)["environment ID"] == environment_id(older, "cuda:0")
    assert environment_id(older, "cuda:0") == environment_id(replace(older, facts=()), "cuda:0")


def test_what_is_not_known_is_a_dash() -> None:
    taken = replace(measurement(CASE, 0.1, memory=None), parameters=None, first_call_s=None, threads=None)
    facts = dict(sections(detail(run_of(plan(CASE), taken), CASE.case_id))["Case"].pairs)
    assert {facts[name] for name in ("peak memory", "parameters", "first call", "threads")} == {"-"}


def test_a_single_round_has_no_interval() -> None:
    taken = measurement(CASE, 0.1)
    once = replace(
        taken, phases=tuple(replace(phase, rounds=phase.rounds[:1]) for phase in taken.phases), visit_rounds=()
    )
    found = sections(detail(run_of(plan(CASE), once), CASE.case_id))
    assert dict(found["Forward"].pairs)["95% CI"] == "-"
    assert dict(found["Forward"].pairs)["D one visit"].startswith("Only 1 round with 2 samples. ")


def test_why_no_visit_followed_is_said_of_all_phases_together() -> None:
    taken = measurement(CASE, 0.1)
    for changes, words in (
        ({}, "\u00b11% reached"),
        ({"max_visits": 10, "precision": 1e-9}, "maximum of 10 visits reached before \u00b11e-07% in all phases"),
        ({"visits": 11}, "it had 10 of 11 visits"),
    ):
        protocol = replace(plan(CASE).protocol, **changes)
        found = sections(detail(run_of(replace(plan(CASE), protocol=protocol), taken), CASE.case_id))
        assert dict(found["Forward"].pairs)["stopped"] == words


def test_an_interval_says_over_how_long_a_time_it_speaks_where_that_is_known() -> None:
    taken = replace(measurement(CASE, 0.1), visit_records=())
    forward = dict(sections(detail(run_of(plan(CASE), taken), CASE.case_id))["Forward"].pairs)
    assert forward["95% CI"].endswith("%")
    assert forward["mean, 95% CI"].endswith("%")


def test_a_failed_row_has_its_reason_and_the_tail_letter_for_letter() -> None:
    failure = Failure(CASE.case_id, "out_of_memory", "There was [no] room.", TRACE)
    found = sections(detail(run_of(plan(CASE), failure), CASE.case_id))
    assert found["Failure"].pairs == (("kind", "out of memory"), ("reason", "There was [no] room."))
    assert found["Details"].lines == tuple(TRACE.splitlines())
    assert "Forward" not in found


def test_a_failure_without_a_tail_has_no_empty_section() -> None:
    failure = Failure(CASE.case_id, "timed_out", "It took too long.")
    assert "Details" not in sections(detail(run_of(plan(CASE), failure), CASE.case_id))


def test_a_running_row_says_how_far_it_is() -> None:
    run = replace(run_of(plan(CASE), environment=None), ended=None, running=CaseStarted(CASE.case_id, 1))
    found = sections(detail(run, CASE.case_id))
    assert dict(found["Conv3x3/1"].pairs)["quality"] == "0%"
    assert list(found) == ["Conv3x3/1", "Repeat this row", "Environment"]


def test_histograms_count_every_sample_of_every_phase() -> None:
    found = histograms(run_of(plan(CASE), measurement(CASE, 0.1)), CASE.case_id, bins=4)
    assert list(found) == ["Forward", "Backward", "Total", "Inference"]
    for bins in found.values():
        assert sum(bar.count for bar in bins) == 20
        assert len(bins) == 4
        assert [bar.high for bar in bins[:-1]] == [bar.low for bar in bins[1:]]
    forward = found["Forward"]
    assert (forward[0].low, forward[-1].high) == ("99.900 ms", "100.30 ms"), "edges a thousandth apart"


def test_a_row_without_samples_has_no_histogram() -> None:
    assert histograms(run_of(plan(CASE)), CASE.case_id) == {}


@pytest.mark.parametrize("ask", [detail, histograms])
def test_an_unknown_row_is_a_bug(ask) -> None:
    with pytest.raises(KeyError):
        ask(run_of(plan(CASE)), Case(model("VGG16"), "cpu", 1).case_id)


def of_graded(name: str, device: str) -> dict[str, Section]:
    run = graded_run()
    case = next(case for case in run.plan.cases if (case.workload.name, case.device) == (name, device))
    return sections(detail(run, case.case_id))


def test_a_grade_has_its_reasons_with_what_to_do() -> None:
    total = dict(of_graded("BatchNorm", "cuda:0")["Total"].pairs)
    assert total["grade"].startswith("X: Invalid")
    assert total["X impossible"].endswith(REASONS["impossible_parts"].remedy)
    assert dict(of_graded("Resnet18", "cuda:0")["Total"].pairs)["grade"].startswith("A: ")


def test_two_speeds_and_a_slow_host_are_both_told() -> None:
    forward = dict(of_graded("Conv3x3/1", "cuda:0")["Forward"].pairs)
    assert forward["two speeds"] == "2.00/2.59 ms, the slower one in 40% of the samples"
    total = dict(of_graded("Dense", "cuda:0")["Total"].pairs)
    assert (total["median"], total["device busy"]) == ("1.200 ms", "99%")
    assert (total["host time"], total["device time"]) == ("1.200 ms", "0.1500 ms")
    quiet = dict(of_graded("Resnet18", "cuda:0")["Forward"].pairs)
    assert (quiet["median"], quiet["host time"], quiet["device time"]) == ("4.000 ms", "4.004 ms", "4.000 ms")


def test_the_spread_is_told_in_words_as_far_as_it_is_known() -> None:
    total = dict(of_graded("Resnet18", "cuda:0")["Total"].pairs)
    assert total["spread"].startswith("IQR 2.4% of median; ")
    assert total["correlation"].endswith(" between successive samples of a round")
    taken = measurement(CASE, 0.1)
    few = replace(taken, visit_rounds=())
    few = replace(few, phases=tuple(replace(phase, rounds=((0.1,), (0.1001,))) for phase in taken.phases))
    forward = dict(sections(detail(run_of(plan(CASE), few), CASE.case_id))["Forward"].pairs)
    assert forward["spread"].endswith("of median")
    assert "correlation" not in forward


def test_secondary_metrics() -> None:
    found = of_graded("Conv3x3/1", "cuda:0")
    total = dict(found["Total"].pairs)
    assert re.search(r", [0-9.]+x in its pass$", total["timed alone"])
    assert re.search(r", [0-9.]+x warm$", total["cold cache"])
    assert "CUDA graph" not in total
    assert dict(found["Inference"].pairs)["CUDA graph"].endswith("x without a graph")
    assert total["compute"] == "180.0 GFLOP, 29.62 TFLOP/s, 9.9% of the measured peak"
    assert total["memory traffic"] == "1.500 GB (750.0 MB unique), 246.8 GB/s, 9.9% of copy bandwidth"
    assert total["peak memory"] == "64.0 MiB allocated, 96.0 MiB reserved, 576 MiB used on the card"
    assert "p95" in total
    assert "p99" not in total, "too few samples"


def test_energy_has_both_sources_and_says_when_they_differ() -> None:
    found = of_graded("Resnet18", "cuda:0")
    training, inference = (dict(found[f"Energy of {name}"].pairs) for name in ("training", "inference"))
    assert (training["per input"], inference["per input"]) == ("0.7485 J/img", "0.2248 J/img?")
    assert training["sum of power"] == "990.0 J, 1.0% apart"
    assert inference["sum of power"] == "900.0 J, 10% apart, doubtful"
    assert (training["nvml counter"], training["idle"]) == ("1000 J in 2.000 s, 167 iterations", "100.0 W")
    assert "10% apart." in dict(found["Notices"].pairs)["energy"]


def test_what_the_system_did_is_told_pass_by_pass() -> None:
    system = dict(of_graded("Resnet18", "cpu")["System during training, visit 1"].pairs)
    assert system["disturbed"] == "1 of 1 round: contention"
    assert system["waited for a core"].startswith("40% of the wall time")
    assert "swapped pages" in system["none seen"]
    card = dict(of_graded("Resnet18", "cuda:0")["System during inference, visit 1"].pairs)
    assert (card["clock"], card["temperature"], card["power"]) == ("1980 MHz", "55 \u00b0C", "500.0 W")
    assert card["lowered clock"] == "power cap"
    assert dict(of_graded("Resnet18", "cpu")["Case"].pairs)["timed"] == "1.200 s"


def test_visits_have_their_passes_apart() -> None:
    assert "System during training, visit 10" in of_graded("Resnet18", "cpu")
