"""Operations of everything that is a product of matrices: linear layers, convolutions, attention.

By the rules of ``work_formulas``; nearly all of a network's operations are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor

Formula = Callable[[Sequence[Any], Mapping[str, Any], Any], int]
"""(arguments, keyword arguments, result) of one call to its operations."""

SCORE_OPERATIONS = 6
"""Per attention score beside the products: scale 1, softmax 5 (maximum, subtract, exp, sum, divide)."""
SCORE_BACKWARD_OPERATIONS = 6
"""Scale, subtract the logarithm of the row's sum and exp give the weight again; then weight * (gradient - row's term),
scaled: 3 and 3."""


def first(result: Any) -> Tensor:
    """The first tensor of a result."""
    return result if isinstance(result, Tensor) else next(part for part in result if isinstance(part, Tensor))


def _mm(args: Sequence[Any], _kwargs: Mapping[str, Any], result: Any) -> int:
    """2 m n k; also for ``bmm``, whose result has the batch."""
    return 2 * first(result).numel() * int(args[0].shape[-1])


def _addmm(args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int:
    """As ``mm``: the added term is the first of each sum."""
    return _mm(args[1:], kwargs, result)


def _products(weight: Tensor, batch: int, positions: Sequence[int]) -> int:
    """Multiply-adds of a convolution: each position of each input meets every weight once, grouped or not."""
    return batch * prod(positions) * weight.numel()


def _convolution(args: Sequence[Any], _kwargs: Mapping[str, Any], result: Any) -> int:
    """Two for each multiply-add. Positions are those of the output; of the input when transposed."""
    inputs, weight, transposed = args[0], args[1], args[6]
    return 2 * _products(weight, inputs.shape[0], (inputs if transposed else first(result)).shape[2:])


def _convolution_backward(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """As many multiply-adds as forward for each of the two gradients, one addition per output for the bias's."""
    gradient, inputs, weight, transposed, wanted = args[0], args[1], args[2], args[7], args[10]
    products = _products(weight, inputs.shape[0], (inputs if transposed else gradient).shape[2:])
    return 2 * products * (int(wanted[0]) + int(wanted[1])) + int(wanted[2]) * int(gradient.numel())


def _attention(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """Query times key, softmax, times value; a mask saves nothing here."""
    query, key, value = args[:3]
    per_score = 2 * query.shape[-1] + 2 * value.shape[-1] + SCORE_OPERATIONS
    return _scores(query, key) * int(per_score)


def _attention_backward(args: Sequence[Any], _kwargs: Mapping[str, Any], _result: Any) -> int:
    """Five products (the scores again, gradients of weights, value, query and key) and a row term of 2 per output."""
    gradient, query, key, value = args[:4]
    per_score = 2 * (3 * query.shape[-1] + 2 * value.shape[-1]) + SCORE_BACKWARD_OPERATIONS
    return _scores(query, key) * int(per_score) + 2 * int(gradient.numel())


def _scores(query: Tensor, key: Tensor) -> int:
    return query.numel() // query.shape[-1] * key.shape[-2]


_SDPA = "_scaled_dot_product_"
_ATTENTION_KERNELS = ("flash_attention_for_cpu", "flash_attention", "efficient_attention", "cudnn_attention")

MATRIX_FORMULAS: dict[str, Formula] = {
    "mm": _mm,
    "bmm": _mm,
    "addmm": _addmm,
    "baddbmm": _addmm,
    "convolution": _convolution,
    "convolution_backward": _convolution_backward,
    **{_SDPA + kernel: _attention for kernel in _ATTENTION_KERNELS},
    **{f"{_SDPA}{kernel}_backward": _attention_backward for kernel in _ATTENTION_KERNELS},
}
"""Products of matrices in one form or another: nearly all of a network's operations."""
