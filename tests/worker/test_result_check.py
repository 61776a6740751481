"""Rows with settings compute what rows without do: right hooks pass, wrong ones do not."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.grading.assess import assess
from cvbench_tui.core.plan import BATCH_MAX, Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker.extras import result_check
from cvbench_tui.worker.extras.result_check import check_result
from cvbench_tui.worker.process import job
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads import module_under_test
from cvbench_tui.worker.workloads.axis_hooks import HOOKS, AxisHook

QUICK = PROTOCOLS["quick"]
CASE = Case(find_model("resnet18").workload.with_image(16), "cpu", 2)
VALUES = [
    {"precision": "fp32"},
    {"precision": "amp-bf16"},
    {"precision": "amp-fp16"},
    {"precision": "bf16"},
    {"precision": "fp16"},
    {"memory_format": "channels_last"},
    {"precision": "bf16", "memory_format": "channels_last"},
]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Block(nn.Module):
    """Conv, normalisation and a way around both, as in a residual network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)

    def forward(self, images):
        return torch.relu(images + self.norm(self.conv(images)))


def small(_workload=None) -> nn.Module:
    head = nn.Linear(8, 10)
    layers = nn.Conv2d(3, 8, 3), *(Block() for _ in range(6)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5)
    return nn.Sequential(*layers, head)


@pytest.fixture(autouse=True)
def small_model(monkeypatch):
    monkeypatch.setattr(module_under_test, "build_module", small)


@pytest.mark.parametrize("settings", VALUES, ids=str)
def test_a_right_row_is_the_same(settings):
    found = check_result(CASE.varied(**settings), QUICK)
    assert found.same
    assert found.output_bound < 0.2, "and another result would not be"
    if settings != {"precision": "fp32"}:
        assert found.output_error > 0


def scaled(forward, value, device):
    return lambda *arguments: 1.01 * forward(*arguments)


def zeroed(module, value):
    with torch.no_grad():
        module[0].weight[3].zero_()
    return module


def forgetful(module, value):
    module[3] = nn.Identity()
    return module


def infinite(forward, value, device):
    return lambda *arguments: forward(*arguments) / 0


def other_gradient(module, value):
    module[0].weight.register_hook(lambda gradient: -gradient)
    return module


def larger_gradient(module, value):
    module[0].weight.register_hook(lambda gradient: 1.2 * gradient)
    return module


WRONG = {
    "scaled": AxisHook(call=scaled),
    "zeroed": AxisHook(module=zeroed),
    "forgetful": AxisHook(module=forgetful),
    "infinite": AxisHook(call=infinite),
    "gradient": AxisHook(module=other_gradient),
    "larger gradient": AxisHook(module=larger_gradient),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_hook_of_float32_is_caught(wrong, monkeypatch):
    monkeypatch.setitem(HOOKS, "compile", WRONG[wrong])
    found = check_result(CASE.varied(compile="default"), QUICK)
    assert not found.same
    assert found.output_error > found.output_bound or "gradient" in wrong


@pytest.mark.parametrize("wrong", ["zeroed", "forgetful", "infinite", "gradient"])
@pytest.mark.parametrize("precision", ["amp-bf16", "bf16", "fp16"])
def test_a_wrong_hook_is_caught_in_a_low_precision_too(wrong, precision, monkeypatch):
    monkeypatch.setitem(HOOKS, "compile", WRONG[wrong])
    assert not check_result(CASE.varied(compile="default", precision=precision), QUICK).same


def test_behind_a_head_of_zeros_a_wrong_hook_shows(monkeypatch):
    def with_zeros(workload=None):
        module = small()
        nn.init.zeros_(module[-1].weight)
        nn.init.zeros_(module[-1].bias)
        return module

    monkeypatch.setattr(module_under_test, "build_module", with_zeros)
    monkeypatch.setitem(HOOKS, "compile", WRONG["forgetful"])
    assert check_result(CASE.varied(precision="bf16"), QUICK).same
    assert not check_result(CASE.varied(compile="default"), QUICK).same


@pytest.mark.parametrize("blocks", [60])
def test_a_deep_network_stays_within_float16(blocks, monkeypatch):
    def deep(_workload=None):
        between = (Block() for _ in range(blocks))
        return nn.Sequential(nn.Conv2d(3, 8, 3), *between, nn.Flatten(), nn.Linear(8 * 196, 10))

    monkeypatch.setattr(module_under_test, "build_module", deep)
    assert check_result(CASE.varied(precision="fp16"), QUICK).same


def test_a_layer_is_compared_by_its_inputs_gradient(monkeypatch):
    monkeypatch.undo()
    found = check_result(Case(find_layer("ReLU").workload, "cpu", 1).varied(precision="bf16"), QUICK)
    assert found.same
    assert 0 < found.gradient_error < 2.0**-8, "of the gradient that bfloat16 rounds"


def test_without_a_setting_that_counts_nothing_is_checked():
    assert check_result(CASE, QUICK) is None
    assert check_result(CASE.varied(threads="1", optimizer="adamw"), QUICK) is None


def test_outputs_of_another_shape_each_time_cannot_be_compared(monkeypatch):
    class Odd(nn.Module):
        calls = 0

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, images):
            Odd.calls += 1
            return self.weight * images[:, :, : Odd.calls]

    monkeypatch.setattr(module_under_test, "build_module", lambda workload: Odd())
    with pytest.raises(UnsupportedError, match="another shape"):
        check_result(CASE.varied(precision="bf16"), QUICK)


def test_the_roundoff_of_a_default_row_on_a_card_is_that_of_tf32(monkeypatch):
    seen = []
    monkeypatch.setattr(result_check, "_reference", lambda case, protocol, roundoff: seen.append(roundoff) or 1 / 0)
    for device, settings in (("cuda:0", {}), ("cuda:0", {"precision": "fp32"}), ("cpu", {})):
        case = replace(CASE, device=device).varied(memory_format="channels_last", **settings)
        with pytest.raises(ZeroDivisionError):
            check_result(case, QUICK)
    assert seen == [2.0**-11, 2.0**-24, 2.0**-24]


class Sent(list):
    """A channel that keeps what is sent."""

    send = list.append


def outcome(case, visit=0, **changes):
    sent = Sent()
    short = replace(QUICK, budget_s=0.05, warmup_cap_s=0.05, round_s=0.01, extras=(), **changes)
    job.Job(case, short, visit, sent).run()
    return sent[-1].measurement


def test_a_rows_first_visit_has_its_check_and_no_other():
    case = CASE.varied(precision="bf16")
    assert outcome(case).check.same
    assert outcome(case, visit=1).check is None
    assert outcome(CASE).check is None


def test_a_wrong_row_is_x_and_says_why(monkeypatch):
    monkeypatch.setitem(HOOKS, "memory_format", WRONG["forgetful"])
    found = outcome(CASE.varied(memory_format="channels_last"))
    assert not found.check.same
    for phase in found.phases:
        assessment = assess(found, phase.phase, QUICK)
        assert assessment.grade == "X"
        assert "not_same" in [reason.code for reason in assessment.reasons]
        (reason,) = (each for each in assessment.reasons if each.code == "not_same")
        assert reason.sentence.startswith("Not the same result: its output differs from float32's by ")


def test_a_reference_that_does_not_fit_is_a_notice_and_the_row_is_kept(monkeypatch):
    def too_large(*_):
        raise MemoryError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(job, "check_result", too_large)
    found = outcome(CASE.varied(precision="bf16"))
    assert found.phases
    assert [notice.code for notice in found.notices] == ["check_failed"]
    assert found.check is None


def test_a_check_that_would_not_fit_the_time_is_a_notice(monkeypatch):
    monkeypatch.setattr(job, "CHECK_ITERATIONS", 10**9)
    found = outcome(CASE.varied(precision="bf16"))
    assert [notice.code for notice in found.notices] == ["check_failed"]


def test_a_largest_batch_is_compared_at_a_quarter(monkeypatch):
    batches = []

    class Seen(module_under_test.ModuleUnderTest):
        def __init__(self, case, protocol):
            batches.append(case.batch)
            super().__init__(case, protocol)

    monkeypatch.setattr(result_check, "ModuleUnderTest", Seen)
    largest = replace(CASE, batch=9, settings=(BATCH_MAX,)).varied(precision="bf16")
    assert largest.finds_batch
    found = check_result(largest, QUICK)
    assert (found.same, found.batch, batches) == (True, 2, [2, 2])
    check_result(replace(largest, batch=3), QUICK)
    assert batches[2:] == [1, 1]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_in_place_of_zeros_is_an_error(value):
    assert result_check._error(torch.tensor([0.0, value]), torch.zeros(2)) == result_check.MAX_ERROR
    assert result_check._error(torch.zeros(2), torch.zeros(2)) == 0


def test_the_worst_output_counts():
    one, two = torch.ones(2), torch.full((2,), 2.0)
    found, wanted = result_check._Results([one, one], None), result_check._Results([one, two], None)
    assert result_check.errors(found, wanted)[0] == 0.5


def test_the_reference_is_float32_contiguous_and_eager(monkeypatch):
    seen = []

    class Seen(module_under_test.ModuleUnderTest):
        def __init__(self, case, protocol):
            seen.append(case.settings)
            super().__init__(case, protocol)

    monkeypatch.setattr(result_check, "ModuleUnderTest", Seen)
    case = CASE.varied(memory_format="channels_last")
    check_result(case, QUICK)
    assert seen == [(("precision", "fp32"),), case.settings]
