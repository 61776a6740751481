from dataclasses import replace

from cvbench_tui.catalog.names import find_model
from cvbench_tui.core.plan import Case
from cvbench_tui.results.stats.derived_metrics import energies, precisions
from tests.every import every
from tests.results.samples import graded_energy, measurement
from tests.results.test_markdown_short import VGG

CONV, LINEAR = "layer:Conv3x3/1|torch|cuda:0|b8", "layer:Linear up|torch|cuda:0|b8"
MODEL, TRANSFORMER = "model:Resnet50|torch|cuda:0|b8", "model:vit_b_16|torch|cuda:0|b8"
RESNET = find_model("resnet50").workload
BOTH = ("float32", "tf32")


@every(
    ("case_id", "facts", "names"),
    [
        (CONV, None, BOTH),
        (MODEL, {}, BOTH),
        ("model:of the user|torch", {}, BOTH),
        (CONV, {"tf32_conv": False}, ("float32",)),
        (LINEAR, None, ("float32",)),
        (TRANSFORMER, {"tf32_conv": True, "tf32_matmul": False}, ("float32",)),
        (TRANSFORMER, {"tf32_matmul": True}, BOTH),
    ],
)
def test_work_is_held_against_tf32_only_where_it_may_use_it(case_id, facts, names):
    assert precisions("cuda:0", case_id, facts) == names
    assert precisions("cpu", case_id, facts) == ("float32",)


@every(
    ("value", "names"),
    [
        ("fp32", ("float32",)),
        ("tf32", BOTH),
        ("amp-bf16", ("bfloat16",)),
        ("bf16", ("bfloat16",)),
        ("amp-fp16", ("float16",)),
        ("fp16", ("float16",)),
    ],
)
def test_a_row_with_a_precision_is_held_against_its_peak(value, names):
    for device in ("cpu", "cuda:0"):
        case = Case(RESNET, device, 8).varied(precision=value, memory_format="channels_last")
        assert precisions(device, case.case_id, {"tf32_conv": True}) == names
        assert precisions(device, replace(case, workload=replace(RESNET, name="a|precision=x")).case_id) == names
    odd = Case(replace(RESNET, name=f"a|precision={value}"), "cpu", 8)
    assert precisions("cpu", odd.case_id) == ("float32",), "it is only called so"


def test_energy_is_added_up_over_processes_and_idle_is_their_mean() -> None:
    (first, *_) = graded_energy()
    taken = replace(measurement(VGG, 0.01), energy=(first, replace(first, idle_w=first.idle_w + 20)))
    (one,) = energies(taken, VGG)
    assert one.idle_w == first.idle_w + 10
    assert one.iterations == 2 * first.iterations
    unknown = replace(taken, energy=(first, replace(first, counter_j=None)))
    (other,) = energies(unknown, VGG)
    assert other.counter_j is None
    assert other.joules_per_input == 2 * first.integral_j / (2 * first.iterations) / 8


def test_energy_is_doubtful_from_five_percent_on() -> None:
    (first, *_) = graded_energy()
    for off, doubtful in ((0.04, False), (0.06, True)):
        part = replace(first, counter_j=1000.0, integral_j=1000.0 * (1 + off))
        (one,) = energies(replace(measurement(VGG, 0.01), energy=(part,)), VGG)
        assert one.doubtful is doubtful
