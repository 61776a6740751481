"""FLOP formulas of the operators that ``torch.utils.flop_counter`` counts as none, or wrongly.

The rules, for every formula here:

- Each addition, multiplication, division, comparison and elementary function (exp, erf, tanh, sqrt) is one operation,
  so that a multiply-add is two. Copying, indexing, filling and drawing random bits are none; integers are not counted.
- A sum of k products is 2k, as in the published figures of models and in torch's own formulas; padding counts as data.
- Factors that are the same for a whole channel or row are worked out once and not counted: with n values behind each
  they are a share of about 1/n.

Formulas get the operator's arguments with shapes in place of tensors, and the result's shape as ``out_shape``: what
``FlopCounterMode`` hands to a ``custom_mapping`` in torch 2.2 and later alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

PER_RESULT: dict[str, int] = {
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
    "mean": 1,  # the division
    "linalg_vector_norm": 1,  # the root
}
"""Operations for each element of the (first) result."""

PER_INPUT: dict[str, int] = {
    "sum": 1,
    "amax": 1,
    "mean": 1,
    "linalg_vector_norm": 2,
    "native_group_norm": 6,  # as batch norm in training
    "max_pool2d_with_indices_backward": 1,  # each gradient added to the place it came from
    "upsample_nearest2d_backward": 1,  # each gradient added to the pixel it was copied from
    "upsample_bilinear2d_backward": 10,  # 2 row products, 4 column products, 4 additions
}
"""Operations for each element of the first operand."""

COMPUTES_NOTHING = (
    *("copy", "clone", "_to_copy", "cat", "stack", "roll", "constant_pad_nd", "index", "index_select", "gather"),
    *("embedding", "where", "masked_fill", "fill", "zero", "zeros", "ones", "full", "new_zeros", "new_ones"),
    *("new_full", "zeros_like", "ones_like", "full_like", "scalar_tensor", "arange", "select_backward"),
    *("slice_backward", "upsample_nearest2d", "rand", "randn", "rand_like", "randn_like", "uniform", "normal"),
)
"""Operators that move data, or make it, without arithmetic."""

SOFTMAX = 6
"""Operations for each attention score that torch leaves out. Forward: scale, then maximum, subtract, exp, sum, divide.
Backward: scale, subtract the logarithm of the row's sum, exp, then weight * (gradient - row's term) * scale."""

Formula = Callable[..., int]


def _per_element(name: str) -> Formula:
    """By the two tables. A result without dimensions is a counter, such as batch norm's, and counts as none."""

    def flops(*args: Any, out_shape: Any, **_: Any) -> int:
        result = out_shape if not out_shape or isinstance(out_shape[0], int) else out_shape[0]  # the first of several
        inputs = PER_INPUT[name] * prod(args[0]) if name in PER_INPUT else 0
        return inputs + (PER_RESULT.get(name, 0) * prod(result) if result else 0)

    return flops


def _convolution_backward(gradient: Any, inputs: Any, weight: Any, *args: Any, **_: Any) -> int:
    """As many multiply-adds as forward for each of the two gradients, one addition per output for the bias's. In place
    of torch's formula, which takes the weight's gradient of a grouped convolution for a dense one's: too much by the
    number of groups (all of mobilenet_v3_large: 11 times)."""
    transposed, wanted = args[4], args[7]
    products = inputs[0] * prod((inputs if transposed else gradient)[2:]) * prod(weight)
    return int(2 * products * (wanted[0] + wanted[1]) + wanted[2] * prod(gradient))


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """torch's two products and the softmax; a mask saves nothing here."""
    return int(sdpa_flop_count(query, key, value) + SOFTMAX * prod(query[:-1]) * key[-2])


def _attention_backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """torch's five products (the first is worked out again), the softmax, and a row term of 2 per output."""
    products = sdpa_backward_flop_count(gradient, query, key, value)
    return int(products + SOFTMAX * prod(query[:-1]) * key[-2] + 2 * prod(gradient))


def _layer_norm_backward(gradient: Any, *args: Any, **_: Any) -> int:
    """Normalised x again 2; gradients of weight 2 and bias 1; of the input: row sums of g' and g' * x 3, combined 4,
    and g' = g * weight 1 where there is a weight."""
    weight, wanted = args[4], args[6]
    each = 2 + 2 * wanted[1] + wanted[2] + (7 + (weight is not None)) * wanted[0]
    return int(each * prod(gradient))


def _clamp(inputs: Any, low: Any = None, high: Any = None, **named: Any) -> int:
    """One comparison for each bound that is given."""
    bounds = (low, high, named.get("min"), named.get("max"))
    return sum(bound is not None for bound in bounds) * prod(inputs)


def _area(kernel: Sequence[int]) -> int:
    """Places of a two-dimensional window given as (k,) or (height, width)."""
    return kernel[0] * kernel[-1]


def _adaptive_places(inputs: Any, outputs: Any) -> int:
    """Places of all windows: output i of n takes floor(i * size / n) to ceil((i + 1) * size / n)."""
    sides = [
        sum(-(-(i + 1) * size // count) - i * size // count for i in range(count))
        for size, count in zip(inputs[-2:], outputs[-2:])
    ]
    return prod(inputs[:-2]) * prod(sides)


_ATTENTION_KERNELS = ("flash_attention_for_cpu", "flash_attention", "efficient_attention", "cudnn_attention")
_BY_NAME: dict[str, Formula] = {
    **{name: _per_element(name) for name in (*PER_RESULT, *PER_INPUT)},
    **dict.fromkeys(COMPUTES_NOTHING, lambda *_, **__: 0),
    "convolution_backward": _convolution_backward,
    **{f"_scaled_dot_product_{kernel}": _attention for kernel in _ATTENTION_KERNELS},
    **{f"_scaled_dot_product_{kernel}_backward": _attention_backward for kernel in _ATTENTION_KERNELS},
    # training: mean 1, variance 3 (subtract, square, add), scale and shift folded per channel 2; eval: the 2 alone
    "native_batch_norm": lambda inputs, *args, **_: (6 if args[4] else 2) * prod(inputs),
    # sums of g and of g * x 3; input gradient a * g + b * x + c with factors per channel 4, where it is wanted
    "native_batch_norm_backward": lambda grad, *args, **_: (3 + 4 * args[-1][0]) * prod(grad),
    "native_group_norm_backward": lambda grad, *args, **_: (3 + 4 * args[-1][0]) * prod(grad),
    # mean 1, variance 3, a * x + b per row 2; weight and bias differ along the row, so they are 2 more
    "native_layer_norm": lambda inputs, _shape, *args, **_: (8 - args[:2].count(None)) * prod(inputs),
    "native_layer_norm_backward": _layer_norm_backward,
    # x / 2 * (1 + erf(x / sqrt 2)) 5; the tanh form, tanh(c * (x + a * x^3)) in place of erf, 9
    "gelu": lambda inputs, approximate="none", **_: (9 if approximate == "tanh" else 5) * prod(inputs),
    # g * (cdf + x * pdf): cdf 4, pdf c * exp(-x * x / 2) 4, combined 3; the tanh form by the product rule 18
    "gelu_backward": lambda gradient, _x, approximate="none", **_: (
        (18 if approximate == "tanh" else 11) * prod(gradient)
    ),
    "clamp": _clamp,
    # one comparison less than the window has places
    "max_pool2d_with_indices": lambda _, kernel, *__, out_shape, **___: (_area(kernel) - 1) * prod(out_shape[0]),
    # k - 1 additions and a division for a window of k places; backward one division, then an addition to each place
    "avg_pool2d": lambda _, kernel, *__, out_shape, **___: _area(kernel) * prod(out_shape),
    "avg_pool2d_backward": lambda grad, _, kernel, *__, **___: (_area(kernel) + 1) * prod(grad),
    "_adaptive_avg_pool2d": lambda inputs, *_, out_shape: _adaptive_places(inputs, out_shape),
    "_adaptive_avg_pool2d_backward": lambda grad, inputs, **_: _adaptive_places(inputs, grad) + prod(grad),
    # one addition for each value where values accumulate
    "index_put": lambda _, __, values, accumulate=False, **___: prod(values) if accumulate else 0,
}
_OPERATORS = {getattr(torch.ops.aten, name + place, None): name for name in _BY_NAME for place in ("", "_")}

FORMULAS: dict[Any, Formula] = {
    key: _BY_NAME[name]
    for operator, name in _OPERATORS.items()
    if operator is not None
    for key in (operator, *(getattr(operator, overload) for overload in operator.overloads()))
}
"""A ``custom_mapping``, as far as this torch has the operators, which are counted by their packets.

Their overloads are in it because newer torch (2.6, not 2.4) takes an operator apart that is not, and counts its parts:
SiLU's backward moved 7 times the bytes.
"""
COUNTED = frozenset((*flop_registry, *FORMULAS))  # operators with a formula, torch's or ours
