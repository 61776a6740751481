"""Modules without data on the ``meta`` device, and the operators that a device would use in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class EmptyOnMeta(TorchFunctionMode):
    """Weights without memory, everything else real: some constructors compute their sizes with tensors (RegNet)."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Move ``torch.empty``, with which modules make their weights."""
        kwargs = dict(kwargs or {})
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


@contextmanager
def operators_of(device: str) -> Iterator[None]:
    """The operators that the device would use: ``meta`` has no fused ones, and would count the attention's score matrix
    as read and written six times. Attention is fused everywhere; dropout on CUDA, not on the CPU."""
    attention, dropout = functional.scaled_dot_product_attention, functional.dropout
    functional.scaled_dot_product_attention = _fused_attention(attention)
    if device.startswith("cuda"):
        functional.dropout = _fused_dropout(dropout)
    try:
        yield
    finally:
        functional.scaled_dot_product_attention, functional.dropout = attention, dropout


def _fused_attention(unfused: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Attention as one operator, where it is the plain one that devices fuse; torch 2.2 has none for every device."""
    kernel = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)

    def attention(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        **others: Any,
    ) -> Tensor:
        learnt = attn_mask is not None and attn_mask.requires_grad  # a position bias: no fused kernel has its gradient
        if kernel is None or dropout_p or others or learnt or query.dim() != 4:
            return unfused(query, key, value, attn_mask, dropout_p, is_causal, **others)
        return kernel(query, key, value, 0.0, is_causal, attn_mask=attn_mask)[0]

    return attention


def _fused_dropout(unfused: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Dropout as one operator that writes its result and a mask of bytes, where CUDA does it by one."""

    def dropout(inputs: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if inplace or not training or not 0 < p < 1:
            return unfused(inputs, p, training, inplace)
        return torch.native_dropout(inputs, p, True)[0]

    return dropout
