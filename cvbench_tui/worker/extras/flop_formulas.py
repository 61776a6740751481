"""Floating-point operations of each operator, by the arithmetic of its definition.

The rules, for every formula here:

- Each addition, multiplication, division, comparison and elementary function (exp, erf, tanh, sqrt) is one operation,
  so that a multiply-add is two. Copying, indexing, filling and drawing random bits are none; integers are not counted.
- A sum of k products is 2k: its first addition is that of the bias, or is counted although it need not be done. So do
  the published figures of models, and ``torch.utils.flop_counter``.
- Padding counts as data, as in the published figures.
- Factors that are the same for a whole channel or row are worked out once and not counted: with n values behind each
  they are a share of about 1/n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from cvbench_tui.worker.extras.flop_products import MATRIX_FORMULAS, Formula, first

PER_ELEMENT: dict[str, int] = {
    **dict.fromkeys(("add", "sub", "rsub", "mul", "div", "neg", "abs", "pow", "exp", "log", "sqrt", "rsqrt", "erf"), 1),
    **dict.fromkeys(("eq", "ne", "gt", "ge", "lt", "le", "maximum", "minimum", "clamp_min", "clamp_max", "floor"), 1),
    "relu": 1,  # one comparison with zero, forward and backward
    "threshold_backward": 1,
    "hardtanh": 2,  # ReLU6: one comparison for each bound
    "hardtanh_backward": 2,
    "tanh": 1,
    "tanh_backward": 3,  # g * (1 - y * y)
    "sigmoid": 4,  # 1 / (1 + exp(-x))
    "sigmoid_backward": 3,  # g * y * (1 - y)
    "silu": 5,  # x * sigmoid(x)
    "silu_backward": 9,  # s = sigmoid(x): 4; g * s * (1 + x * (1 - s)): 5
    "hardsigmoid": 4,  # min(max(x + 3, 0), 6) / 6
    "hardsigmoid_backward": 3,  # two comparisons, g / 6
    "hardswish": 5,  # x * hardsigmoid(x)
    "hardswish_backward": 5,  # two comparisons, g * (x / 3 + 1 / 2)
    "_softmax": 5,  # maximum, subtract, exp, sum, divide
    "_safe_softmax": 5,
    "_softmax_backward_data": 4,  # y * (g - sum(g * y))
    "_log_softmax": 5,  # maximum, subtract, exp, sum, subtract
    "_log_softmax_backward_data": 4,  # g - exp(y) * sum(g)
    "bernoulli": 1,  # a random number compared with p; drawing it is integer work
    "native_dropout": 3,  # compare, multiply with the mask, scale
    "native_dropout_backward": 2,
    "upsample_bilinear2d": 9,  # two rows of 2 products and 1 sum, then the same of both
}
"""Operations for each element of the first result."""

COMPUTES_NOTHING = frozenset(
    (
        *("copy", "clone", "_to_copy", "cat", "stack", "roll", "constant_pad_nd", "index", "index_select", "gather"),
        *("embedding", "where", "masked_fill", "fill", "zero", "zeros", "ones", "full", "new_zeros", "new_ones"),
        *("new_full", "zeros_like", "ones_like", "full_like", "scalar_tensor", "arange", "select_backward"),
        *("slice_backward", "upsample_nearest2d", "rand", "randn", "rand_like", "randn_like", "uniform", "normal"),
    )
)
"""Operators that move data, or make it, without arithmetic."""


def flops_of(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int | None:
    """Operations of one call of the aten operator ``name`` (without its ``_`` for in-place); None without a formula."""
    formula = FORMULAS.get(name)
    if formula is not None:
        return formula(args, kwargs, result)
    if name in COMPUTES_NOTHING:
        return 0
    per_element = PER_ELEMENT.get(name)
    if per_element is None:
        return None
    return per_element * first(result).numel() if _is_floating(args) else 0


def may_use_winograd(name: str, args: Sequence[Any]) -> bool:
    """True for dense convolutions at stride 1 with 3x3 or 5x5 kernels, forward or backward.

    Those are the ones that cuDNN ("winograd", "winograd nonfused") and oneDNN may do with fewer multiplications: 2.25
    times fewer for 3x3 and 2.8 for 5x5 in tiles of 2x2, 4 for 3x3 in tiles of 4x4 (Lavin and Gray, "Fast algorithms
    for convolutional neural networks", 2016).
    """
    if name not in ("convolution", "convolution_backward"):
        return False
    at = 1 if name == "convolution" else 2
    kernel, groups = tuple(args[at].shape[2:]), args[8 if name == "convolution" else 9]
    stride, _, dilation, transposed = args[at + 2 : at + 6]
    plain = groups == 1 and not transposed and set(stride) == {1} and set(dilation) == {1}
    return plain and kernel in ((3, 3), (5, 5))


def _is_floating(args: Sequence[Any]) -> bool:
    """Whether any operand holds floating-point numbers."""
    return any(isinstance(arg, Tensor) and torch.is_floating_point(arg) for arg in args)


def _batch_norm(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """Training: mean 1, variance 3 (subtract, square, add), scale and shift folded per channel 2. Eval: the 2 alone."""
    return (6 if args[5] else 2) * int(args[0].numel())


def _batch_norm_backward(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """Sums of g and of g * x: 3; input gradient a * g + b * x + c with factors per channel: 4, where it is wanted."""
    return (3 + 4 * int(args[-1][0])) * int(args[0].numel())


def _group_norm(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """As batch norm in training."""
    return 6 * int(args[0].numel())


def _layer_norm(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """Mean 1, variance 3, a * x + b per row 2; weight and bias differ along the row, so they are 2 more."""
    return (6 + (args[2] is not None) + (args[3] is not None)) * int(args[0].numel())


def _layer_norm_backward(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """Normalised x again 2; gradients of weight 2 and bias 1; of the input: row sums of g' and g' * x 3, combined 4,
    and g' = g * weight 1 where there is a weight."""
    wanted, weight = args[7], args[5]
    each = 2 + 2 * int(wanted[1]) + int(wanted[2]) + (7 + (weight is not None)) * int(wanted[0])
    return each * int(args[0].numel())


def _gelu(args: Sequence[Any], kwargs: Mapping[str, Any], _result: Any) -> int:
    """x / 2 * (1 + erf(x / sqrt 2)): 5. The tanh form, tanh(c * (x + a * x^3)) in place of erf: 9."""
    return (9 if kwargs.get("approximate") == "tanh" else 5) * int(args[0].numel())


def _gelu_backward(args: Sequence[Any], kwargs: Mapping[str, Any], _result: Any) -> int:
    """g * (cdf + x * pdf): cdf 4, pdf c * exp(-x * x / 2) 4, combined 3. The tanh form by the product rule: 18."""
    return (18 if kwargs.get("approximate") == "tanh" else 11) * int(args[0].numel())


def _clamp(args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int:
    """One comparison for each bound that is given."""
    bounds = [*args[1:3], kwargs.get("min"), kwargs.get("max")]
    return sum(bound is not None for bound in bounds) * first(result).numel()


def _max_pool(args: Sequence[Any], _kwargs: Mapping[str, Any], result: Any) -> int:
    """One comparison less than the window has places."""
    return (_area(args[1]) - 1) * first(result).numel()


def _avg_pool(args: Sequence[Any], _kwargs: Mapping[str, Any], result: Any) -> int:
    """k - 1 additions and a division for a window of k places."""
    return _area(args[1]) * first(result).numel()


def _avg_pool_backward(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """One division, then an addition to each place of the window."""
    return (_area(args[2]) + 1) * int(args[0].numel())


def _area(kernel: Any) -> int:
    """Places of a two-dimensional window given as a number, (k,) or (height, width)."""
    sides = tuple(kernel) if isinstance(kernel, (list, tuple)) else (kernel,)
    return int(sides[0] * sides[-1])


def _adaptive_avg_pool(args: Sequence[Any], _kwargs: Mapping[str, Any], result: Any) -> int:
    """As average pooling, with windows of unequal size."""
    return _adaptive_places(args[0], first(result))


def _adaptive_avg_pool_backward(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """One division for each output gradient, then an addition to each place of its window."""
    gradient, inputs = args[:2]
    return _adaptive_places(inputs, gradient) + int(gradient.numel())


def _adaptive_places(inputs: Tensor, outputs: Tensor) -> int:
    """Places of all windows: output i of n takes floor(i * size / n) to ceil((i + 1) * size / n)."""
    planes = inputs.numel() // (inputs.shape[-1] * inputs.shape[-2])
    sides = [
        sum(-(-(i + 1) * size // count) - i * size // count for i in range(count))
        for size, count in zip(inputs.shape[-2:], outputs.shape[-2:])
    ]
    return int(planes * prod(sides))


def _each_input(count: int, per_result: int = 0) -> Formula:
    """``count`` operations for each element of the first operand, and some for each result."""

    def formula(args: Sequence[Any], _kwargs: Mapping[str, Any], result: Any) -> int:
        return count * int(args[0].numel()) + per_result * first(result).numel()

    return formula


def _index_put(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """One addition for each value where values accumulate."""
    return int(args[2].numel()) if len(args) > 3 and args[3] else 0


FORMULAS: dict[str, Formula] = {
    **MATRIX_FORMULAS,
    "native_batch_norm": _batch_norm,
    "native_batch_norm_backward": _batch_norm_backward,
    "native_group_norm": _group_norm,
    "native_group_norm_backward": _batch_norm_backward,
    "native_layer_norm": _layer_norm,
    "native_layer_norm_backward": _layer_norm_backward,
    "gelu": _gelu,
    "gelu_backward": _gelu_backward,
    "clamp": _clamp,
    "max_pool2d_with_indices": _max_pool,
    "max_pool2d_with_indices_backward": _each_input(1),  # each gradient added to the place it came from
    "avg_pool2d": _avg_pool,
    "avg_pool2d_backward": _avg_pool_backward,
    "_adaptive_avg_pool2d": _adaptive_avg_pool,
    "_adaptive_avg_pool2d_backward": _adaptive_avg_pool_backward,
    "upsample_nearest2d_backward": _each_input(1),  # each gradient added to the pixel it was copied from
    "upsample_bilinear2d_backward": _each_input(10),  # 2 row products, 4 column products, 4 additions
    "sum": _each_input(1),
    "amax": _each_input(1),
    "mean": _each_input(1, per_result=1),
    "linalg_vector_norm": _each_input(2, per_result=1),
    "index_put": _index_put,
}
"""By the operator's name without ``aten::``."""
