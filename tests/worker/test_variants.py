"""The extras on a real layer: which there are, what stands between their marks, what cannot be had."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.extras import variants
from cvbench_tui.worker.extras.budget import Budget
from cvbench_tui.worker.extras.variants import ROUNDS, VariantTimer
from cvbench_tui.worker.timing.passes import PhasePass
from cvbench_tui.worker.timing.stopwatch import Stopwatch
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.every import every

pytestmark = pytest.mark.torch
SHORT = replace(PROTOCOLS["quick"], budget_s=2.0, warmup_cap_s=0.01, round_s=0.01)
DENSE = Case(find_layer("Dense").workload, "cpu", 1)


def ready(case=DENSE) -> ModuleUnderTest:
    subject = ModuleUnderTest(case, SHORT)
    subject.train()
    subject.prepare_gradients(subject.forward())
    subject.clear()
    return subject


class Flushing(CpuBackend):
    """Empties its caches by a function of the test's, or not at all."""

    def __init__(self, flush=lambda: False) -> None:
        super().__init__()
        self.flush = flush


def timed_variants(*extras, flush=lambda: False, case=DENSE, passes=("training", "inference"), backend=None):
    protocol = replace(SHORT, extras=extras, passes=passes)
    timer = VariantTimer(case, ready(case), backend or Flushing(flush), protocol, lambda: None)
    timer.run()
    return timer


def test_alone_times_each_training_phase_by_itself():
    found = timed_variants("alone").variants
    assert [(variant.kind, variant.samples.phase) for variant in found] == [
        ("alone", "forward"),
        ("alone", "backward"),
        ("alone", "total"),
    ]
    assert all(len(variant.samples.rounds) == ROUNDS for variant in found)


def test_a_backward_comes_before_the_next_forward_where_the_compiler_records_graphs(monkeypatch):
    limits = []

    class Seen(Stopwatch):
        def __init__(self, *arguments, **options):
            limits.append(arguments[5])
            super().__init__(*arguments, **options)

    monkeypatch.setattr(variants, "Stopwatch", Seen)
    timed_variants("alone")
    assert limits == [None] * 3
    on_card = ready()
    on_card.device = torch.device("cuda:0")
    on_card.case = replace(DENSE, device="cuda:0").varied(compile="reduce-overhead")
    VariantTimer(on_card.case, on_card, CpuBackend(), replace(SHORT, extras=("alone",)), lambda: None).run()
    assert limits[3:] == [1] * 3


def test_what_does_not_fit_the_time_limit_is_a_notice_and_the_rest_is_taken():
    spent = Budget(lambda: 9.0, 10.0, {"training": 1.0, "inference": 1e-6})
    protocol = replace(SHORT, extras=("alone", "flushed"))
    made = VariantTimer(DENSE, ready(), Flushing(lambda: True), protocol, lambda: None, spent)
    made.run()
    assert [notice.code for notice in made.notices] == ["alone_failed", "flushed_failed"]
    assert all("time limit" in notice.sentence for notice in made.notices)


def test_flushed_empties_the_caches_before_every_region():
    flushes = []
    found = timed_variants("flushed", flush=lambda: flushes.append(1) or True).variants
    phases = ["forward", "backward", "total", "inference"]
    assert [(each.kind, each.samples.phase) for each in found] == [
        (kind, phase) for phase in phases for kind in ("flushed", "warm")
    ]
    cold = [variant.samples.rounds for variant in found if variant.kind == "flushed"]
    assert len(flushes) > sum(len(samples) for rounds in cold for samples in rounds)
    assert {variant.samples.iterations_per_sample for variant in found} == {1}


def test_a_pass_that_is_not_measured_has_no_variants():
    found = timed_variants("alone", "flushed", flush=lambda: True, passes=("inference",)).variants
    assert [(variant.kind, variant.samples.phase) for variant in found] == [
        ("flushed", "inference"),
        ("warm", "inference"),
    ]


def test_models_are_not_flushed_and_the_cpu_has_no_graphs():
    model = Case(find_model("alexnet").workload.with_image(64), "cpu", 1)
    made = timed_variants("flushed", "device_only", flush=lambda: True, case=model)
    assert (made.variants, made.notices) == ([], [])


def test_caches_of_unknown_size_are_a_notice():
    made = timed_variants("flushed")
    assert made.variants == []
    assert [notice.code for notice in made.notices] == ["flushed_failed"]


def test_a_graph_that_cannot_be_recorded_is_a_notice_and_no_failure():
    class NoGraphs(CpuBackend):
        clock = "cuda_event"

    made = timed_variants("device_only", backend=NoGraphs())
    assert made.variants == []
    assert [notice.code for notice in made.notices] == ["device_only_failed"]
    assert made.notices[0].sentence.startswith("Not measured (device_only): ")


class Logged(CpuBackend):
    """Writes down its marks between what the subject does."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log

    def mark(self) -> int:
        self.log.append("mark")
        return super().now_s()


@every(
    ("phase", "group", "log"),
    [
        ("forward", 1, "clear before mark forward mark"),
        ("backward", 1, "clear forward before mark backward mark"),
        ("total", 1, "clear before mark forward backward mark"),
        ("inference", 1, "before mark forward mark"),
        ("forward", 2, "clear before mark forward forward mark"),
        ("backward", 2, "clear forward forward before mark backward clear backward mark"),
        ("total", 2, "clear before mark forward backward clear forward backward mark"),
        ("inference", 2, "before mark forward forward mark"),
    ],
)
def test_between_the_marks_of_one_phase_stands_that_phase(phase, group, log):
    said: list[str] = []
    subject = ready()
    subject.clear = lambda: said.append("clear")
    forward = subject.forward
    subject.forward = lambda: (said.append("forward"), forward())[1]
    subject.backward = lambda _: said.append("backward")
    timed = PhasePass(subject, Logged(said), phase, before=lambda: said.append("before"))
    timed.regions(1, group)
    assert said == log.split()


def test_a_variants_round_lasts_half_of_the_shortest_protocols():
    """Shorter ones make a ratio of the timer's and the scheduler's noise."""
    rounds_s = [each.round_s for each in PROTOCOLS.values() if each.method == "rounds"]
    assert min(rounds_s) / 2 <= variants.ROUND_S


def test_a_recorded_row_has_no_variants_of_launches():
    protocol = replace(SHORT, extras=("alone",))
    assert VariantTimer(DENSE.varied(graph="on"), ready(), Flushing(), protocol, lambda: None).run() == []
