"""Operations and bytes by formula: against torch's own counter where that counts, by hand for the rest."""

from __future__ import annotations

import pytest

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload
from tests.every import every

pytestmark = pytest.mark.torch

FLOAT = 4
BATCH = 2
FOUR = ("forward", "backward", "total", "inference")
COMPUTES_NOTHING = {"Upsample nearest"}
"""It copies pixels: no operation forward, one addition for each gradient backward."""
ROUNDING_GMACS = 0.0005
"""torchvision prints billions of multiply-accumulates with three decimals: 1.2% of the smallest model."""


def case_of(entry, device="cpu", batch=BATCH):
    return Case(entry.workload, device, batch)


def layer(name):
    return next(entry for entry in LAYERS if entry.name == name)


def work(name, batch=BATCH, device="cpu"):
    from cvbench_tui.worker.extras.flops import phase_work

    return {one.phase: one for one in phase_work(case_of(layer(name), device, batch))}


def flops(name, batch=BATCH):
    found = work(name, batch)
    return [found[phase].flops for phase in FOUR]


def torch_counts(entry):
    """Forward, backward by torch's counter and its own formulas, on the same module without data."""
    return counts_of(entry, None)


def matrix_counts(entry):
    """The same by our formulas: operations of matrix products, convolutions and attention alone."""
    from cvbench_tui.worker.extras.flop_formulas import FORMULAS

    return counts_of(entry, FORMULAS)


def counts_of(entry, formulas):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from cvbench_tui.worker.workloads.inputs import on_meta, outputs_of

    module, inputs = on_meta(entry.workload, BATCH)
    forward, backward = (FlopCounterMode(display=False, custom_mapping=formulas) for _ in range(2))
    with forward:
        outputs = outputs_of(module(*inputs.arguments))
    with backward:
        torch.autograd.backward(outputs, [torch.empty_like(output) for output in outputs])
    return products_of(forward), products_of(backward)


def products_of(counter):
    from torch.utils.flop_counter import flop_registry

    own_attention = "_scaled_dot_product_flash_attention_for_cpu"  # torch has no formula for it
    counts = counter.get_flop_counts().get("Global", {})
    return sum(count for op, count in counts.items() if op in flop_registry or op.__name__ == own_attention)


@every("entry", LAYERS, ids=lambda entry: entry.name)
def test_every_layer_is_counted_completely(entry):
    found = work(entry.name)
    assert tuple(found) == FOUR
    assert not any(one.uncounted for one in found.values())
    assert (found["forward"].flops > 0) == (entry.name not in COMPUTES_NOTHING)
    assert all(one.bytes >= one.footprint_bytes > 0 for one in found.values() if one.flops)
    assert found["total"].flops == found["forward"].flops + found["backward"].flops
    assert found["total"].bytes == found["forward"].bytes + found["backward"].bytes


def count_as_published(entry):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from cvbench_tui.worker.extras.flop_formulas import FORMULAS
    from cvbench_tui.worker.extras.flops import phase_work
    from cvbench_tui.worker.workloads.inputs import on_meta
    from cvbench_tui.worker.workloads.meta import operators_of

    assert [(one.phase, one.uncounted) for one in phase_work(case_of(entry))] == [(phase, ()) for phase in FOUR]
    module, inputs = on_meta(entry.workload, BATCH)
    inference = FlopCounterMode(display=False, custom_mapping=FORMULAS)
    with operators_of("cpu"), torch.no_grad(), inference:
        module.eval()(*inputs.arguments)
    assert products_of(inference) / 2 / BATCH / 1e9 == pytest.approx(entry.gmacs, abs=ROUNDING_GMACS, rel=0.003)


SMALLEST = {entry.family: entry for entry in sorted(MODELS, key=lambda entry: entry.gmacs, reverse=True)}


@every("entry", SMALLEST.values(), ids=lambda entry: entry.op)
def test_a_model_of_every_family_is_counted_completely_and_as_published(entry):
    count_as_published(entry)


@pytest.mark.slow  # 90 s of a core
@every("entry", MODELS, ids=lambda entry: entry.op)
def test_every_model_is_counted_completely_and_as_published(entry):
    count_as_published(entry)


WITHOUT_BIAS = ("Conv1x1", "Conv3x3 middle", "Conv7x7/2 stem", "Dilated 3x3", "Basic block", "Bottleneck")
GROUPED = ("Depthwise 3x3", "Grouped 3x3", "Inverted residual")
WITH_BIAS = ("Conv3x3/1", "Conv5x5/2", "Patch embedding", "Transposed 2x2/2")
LINEAR = ("Dense", "Linear up", "Linear QKV", "Swin window attention")


@every("name", [*WITHOUT_BIAS, *LINEAR])
def test_products_are_counted_as_torch_does(name):
    assert matrix_counts(layer(name)) == torch_counts(layer(name))


@pytest.mark.parametrize("name", WITH_BIAS)
def test_the_gradient_of_a_convolutions_bias_is_counted_too(name):
    """torch's counter leaves it out; it is one addition for each output. That of the input is there in both."""
    from cvbench_tui.worker.workloads.inputs import on_meta

    module, inputs = on_meta(layer(name).workload, BATCH)
    forward, backward = torch_counts(layer(name))
    assert matrix_counts(layer(name)) == (forward, backward + module(*inputs.arguments).numel())


@pytest.mark.parametrize("name", GROUPED)
def test_grouped_convolutions_agree_forward_and_are_twice_that_backward(name):
    """torch's counter takes a grouped convolution's weight gradient for a dense one: ``groups`` times too much."""
    forward, backward = torch_counts(layer(name))
    assert matrix_counts(layer(name)) == (forward, 2 * forward)
    assert backward > 2 * forward, "torch's own formula is right by now: ours can go"


@pytest.mark.parametrize(("name", "heads", "dim"), [("SDPA B", 12, 64), ("SDPA L", 16, 64)])
def test_attention_is_torchs_products_and_our_softmax(name, heads, dim):
    scores, outputs = BATCH * heads * 197 * 197, BATCH * heads * 197 * dim
    forward, backward = torch_counts(layer(name))  # of the four and the two products of the unfused form
    counted = work(name)
    # scale, maximum, subtract, exp, sum, divide
    assert forward == scores * 4 * dim
    assert counted["forward"].flops == forward + 6 * scores
    # Fused, the scores are worked out once more, then scale, subtract, exp; subtract, multiply, scale; the row term 2
    # per output. Query, key and value are one tensor here, so its three gradients are added in two additions.
    assert backward == scores * 8 * dim
    assert counted["backward"].flops == backward + scores * 2 * dim + 6 * scores + 2 * outputs + 2 * outputs
    # forward reads the tensor once, writes the output and one number a row
    assert counted["forward"].bytes == (2 * outputs + BATCH * heads * 197) * FLOAT


def test_a_dense_layer_by_hand():
    # 1024 to 512: forward 2 * 1024 * 512 an input; backward the same for weight and input, and the bias's sum
    products = 2 * 8 * 1024 * 512
    assert flops("Dense", 8) == [products, 2 * products + 8 * 512, 3 * products + 8 * 512, products]
    weight, bias, inputs, outputs = (FLOAT * size for size in (1024 * 512, 512, 8 * 1024, 8 * 512))
    found = work("Dense", 8)
    assert found["forward"].bytes == inputs + weight + bias + outputs == found["forward"].footprint_bytes
    # g @ w: g, w, gx; g.T @ x: g, x, gw; sum: g, gb
    assert found["backward"].bytes == (outputs + weight + inputs) + (outputs + inputs + weight) + (outputs + bias)
    # each once: g, w, x and the three gradients
    assert found["backward"].footprint_bytes == outputs + 2 * weight + 2 * inputs + bias


def test_batch_norm_by_hand():
    # training: mean 1, variance 3, scale and shift 2; backward: two sums 3, combination 4; eval: 2
    elements = BATCH * 64 * 112 * 112
    assert flops("BatchNorm 64") == [6 * elements, 7 * elements, 13 * elements, 2 * elements]
    channels = 64 * FLOAT
    found = work("BatchNorm 64")
    # input, output; weight, bias, two running and two saved statistics; a count of 8 bytes, read and written
    assert found["forward"].bytes == 2 * elements * FLOAT + 6 * channels + 16


def test_other_normalisations_by_hand():
    pixels, tokens = BATCH * 256 * 56 * 56, BATCH * 197 * 768
    assert flops("GroupNorm") == [6 * pixels, 7 * pixels, 13 * pixels, 6 * pixels]
    # layer norm: mean 1, variance 3, a * x + b 2, weight and bias 2; backward: x again 2, weight 2, bias 1, g' 1,
    # sums 3, combination 4
    assert flops("LayerNorm") == [8 * tokens, 13 * tokens, 21 * tokens, 8 * tokens]


@pytest.mark.parametrize(
    ("name", "shape", "forward", "backward"),
    [
        ("ReLU", 64 * 112 * 112, 1, 1),
        ("GELU", 197 * 3072, 5, 11),
        ("SiLU", 96 * 112 * 112, 5, 9),
        ("Hardswish", 16 * 112 * 112, 5, 5),
        ("Softmax", 12 * 197 * 197, 5, 4),
    ],
)
def test_activations_by_hand(name, shape, forward, backward):
    elements = BATCH * shape
    counts = [forward, backward, forward + backward, forward]
    assert flops(name) == [count * elements for count in counts]
    found = work(name)
    assert found["inference"].bytes == 2 * elements * FLOAT  # read, write
    assert found["backward"].bytes == 3 * elements * FLOAT  # gradient, what was saved, gradient


def test_dropout_by_hand():
    elements = BATCH * 4096
    # draw and compare 1, scale the mask 1, multiply 1; backward multiply 1; in eval mode it hands its input on
    assert flops("Dropout") == [3 * elements, elements, 4 * elements, 0]
    assert work("Dropout")["inference"].bytes == 0
    # mask written, read and written, read with the input; on CUDA one kernel writes output and a mask of bytes
    assert work("Dropout")["forward"].bytes == 6 * elements * FLOAT
    assert work("Dropout", device="cuda:0")["forward"].bytes == 2 * elements * FLOAT + elements


def test_dropout_of_nothing_is_no_operator():
    """torch returns the input itself: a ViT's dropout has p 0, on CUDA too."""
    assert work("ViT block", device="cuda:0") == work("ViT block")


def test_pooling_by_hand():
    outputs, inputs = BATCH * 64 * 56 * 56, BATCH * 64 * 112 * 112
    # a 3x3 window: 8 comparisons; backward one addition for each output
    assert flops("MaxPool 64") == [8 * outputs, outputs, 9 * outputs, 8 * outputs]
    found = work("MaxPool 64")
    # outputs come with an index of 8 bytes each; backward does not read the input
    assert found["forward"].bytes == inputs * FLOAT + outputs * (FLOAT + 8)
    assert found["backward"].bytes == outputs * (FLOAT + 8) + inputs * FLOAT
    outputs = BATCH * 3 * 112 * 112
    # 8 additions and a division; backward a division and 9 additions
    assert flops("AvgPool") == [9 * outputs, 10 * outputs, 19 * outputs, 9 * outputs]
    inputs, outputs = BATCH * 2048 * 7 * 7, BATCH * 2048
    # to 1x1: the mean, 49 additions and a division; backward divides the expanded gradient
    assert flops("AdaptiveAvgPool") == [inputs + outputs, inputs, 2 * inputs + outputs, inputs + outputs]


def test_unequal_windows_are_counted_place_by_place():
    from cvbench_tui.worker.extras.flops import phase_work

    pool = Workload("layer", "pool", "adaptive_avg_pool2d", (4, 7, 7), (("output_size", 3),))
    forward = next(one for one in phase_work(Case(pool, "cpu", BATCH)) if one.phase == "forward")
    # 7 to 3: places 0-2, 2-4, 4-6, three each
    assert forward.flops == BATCH * 4 * 9 * 9


def test_resizing_by_hand():
    inputs, outputs = BATCH * 256 * 28 * 28, BATCH * 256 * 56 * 56
    assert flops("Upsample nearest") == [0, outputs, outputs, 0]
    assert work("Upsample nearest")["forward"].bytes == (inputs + outputs) * FLOAT
    outputs = BATCH * 21 * 520 * 520
    assert flops("Upsample bilinear") == [9 * outputs, 10 * outputs, 19 * outputs, 9 * outputs]


def test_what_the_forward_leaves_for_the_backward_is_part_of_it():
    """A block's activations outlive its forward, but neither the whole iteration nor inference."""
    found = work("Bottleneck")
    boundary = 2 * BATCH * 256 * 56 * 56 * FLOAT
    assert found["inference"].footprint_bytes == pytest.approx(boundary, rel=0.05)
    assert found["forward"].footprint_bytes > 2 * boundary
    assert found["total"].footprint_bytes < 1.1 * 2 * boundary


def test_winograd_is_told_of_dense_small_kernels_at_stride_one_only():
    told = {entry.name for entry in LAYERS if work(entry.name)["forward"].winograd}
    assert told == {"Conv3x3/1", "Conv5x5/1", "Conv3x3 middle", "Basic block", "Bottleneck"}


def test_counts_grow_in_a_straight_line_with_the_batch():
    for name in ("Bottleneck", "ViT block", "Swin window attention"):
        two, four, eight = (work(name, batch)["total"] for batch in (2, 4, 8))
        assert eight.flops - four.flops == 2 * (four.flops - two.flops)
        assert eight.bytes - four.bytes == 2 * (four.bytes - two.bytes)


def test_an_operator_that_needs_data_cannot_be_counted(monkeypatch):
    """The row has its times then, and the notice ``work_failed`` in place of rates."""
    import torch

    from cvbench_tui.worker.extras.flops import phase_work
    from cvbench_tui.worker.workloads import build

    class Scaled(torch.nn.Module):
        def forward(self, inputs):
            return inputs * float(inputs.detach().amax())

    monkeypatch.setitem(build.LAYER_BUILDERS, "scaled", Scaled)
    with pytest.raises(RuntimeError):
        phase_work(Case(Workload("layer", "scaled", "scaled", (5,)), "cpu", 10))


@pytest.fixture
def no_fast_path():
    """``nn.MultiheadAttention`` in eval mode would be one operator, on the processor and not without data."""
    import torch

    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(before)


@pytest.mark.parametrize("name", ["Bottleneck", "Self-attention B", "MaxPool", "Dropout", "Upsample bilinear"])
@pytest.mark.usefixtures("no_fast_path")
def test_real_runs_count_the_same(name):
    import torch

    from cvbench_tui.worker.extras.flops import count_phases, phase_work
    from cvbench_tui.worker.workloads.build import build_module
    from cvbench_tui.worker.workloads.inputs import make_inputs
    from cvbench_tui.worker.workloads.meta import operators_of

    case = case_of(layer(name))
    module = build_module(case.workload)
    with operators_of("cpu"):
        real = count_phases(module, make_inputs(module, case.workload, BATCH, "rounds", torch.device("cpu")))
    for one, other in zip(real, phase_work(case), strict=True):
        assert (one.phase, one.flops, one.uncounted) == (other.phase, other.flops, ())
        # a real attention lays its output out so that no copy follows; batch norm returns no statistics in eval mode
        assert other.bytes * 0.95 <= one.bytes <= other.bytes
        assert other.footprint_bytes * 0.95 <= one.footprint_bytes <= other.footprint_bytes * 1.05


def test_an_operator_without_a_formula_is_named(monkeypatch):
    import torch

    from cvbench_tui.worker.extras import flops as work
    from cvbench_tui.worker.workloads import build

    class Sine(torch.nn.Module):
        def forward(self, inputs):
            return torch.sin(inputs)

    monkeypatch.setitem(build.LAYER_BUILDERS, "sine", Sine)
    found = work.phase_work(Case(Workload("layer", "sine", "sine", (5,)), "cpu", 2))
    assert found[0].uncounted == ("sin",)
    assert found[0].bytes == 2 * 10 * FLOAT


def test_the_published_method_gives_layers_no_input_gradient():
    from cvbench_tui.worker.extras.flops import phase_work

    counts = {one.phase: one.flops for one in phase_work(case_of(layer("Conv1x1")), "published")}
    assert counts["backward"] == counts["forward"]


def test_the_random_state_and_torchs_functions_stay_as_they_were():
    import torch
    from torch.nn import functional

    torch.manual_seed(3)
    state, attention, dropout = torch.get_rng_state(), functional.scaled_dot_product_attention, functional.dropout
    work("Dropout", device="cuda:0")
    work("SDPA B")
    assert torch.equal(torch.get_rng_state(), state)
    assert functional.scaled_dot_product_attention is attention
    assert functional.dropout is dropout


def test_a_precision_of_weights_and_inputs_halves_the_bytes_and_not_the_operations():
    from cvbench_tui.worker.extras.flops import phase_work

    case = case_of(next(entry for entry in MODELS if entry.op == "resnet18"))
    plain, half = (phase_work(case.varied(precision=value)) for value in ("fp32", "bf16"))
    for mine, other in zip(half, plain, strict=True):
        assert mine.flops == other.flops
        assert mine.bytes == pytest.approx(other.bytes / 2, rel=0.03)
        half_of_it = pytest.approx(other.footprint_bytes / 2, rel=0.06)
        assert mine.footprint_bytes == half_of_it, "statistics of normalisations are float32"


@pytest.mark.parametrize("settings", [{"precision": "amp-bf16"}, {"precision": "amp-fp16"}, {"compile": "default"}])
def test_under_autocast_and_when_compiled_the_operations_are_the_same_and_the_bytes_are_not_known(settings):
    from cvbench_tui.worker.extras.flops import phase_work

    case = case_of(next(entry for entry in MODELS if entry.op == "resnet18"))
    for mine, other in zip(phase_work(case.varied(**settings)), phase_work(case), strict=True):
        assert (mine.flops, mine.bytes, mine.footprint_bytes) == (other.flops, 0, 0)
