"""Running a module without data: every operator passes a meter, on PyTorch's ``meta`` device or, if need be, the CPU.

``meta`` tensors have a shape and no memory. What an operator costs is ``work_formulas``' and ``work_traffic``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from cvbench_tui.worker.extras.flop_formulas import flops_of
from cvbench_tui.worker.extras.traffic import Call, Operator, moved_bytes, tensors_in


class Counts(Protocol):
    """What calls are counted into."""

    def add(self, call: Call, flops: int | None, size: int) -> None:
        """One call, its operations (None: there is no formula) and the bytes it moves."""


class Meter(TorchDispatchMode):
    """Sees every operator below autograd. On ``meta`` a result's shape is worked out once for equal operands: the shape
    functions of batch norm and of sums take milliseconds (resnet152: 2.2 s without, 0.5 s with it)."""

    def __init__(self) -> None:
        super().__init__()
        self._into: tuple[Counts, ...] = ()
        self._known: dict[Any, Any] = {}
        self._operators: dict[Any, Operator] = {}

    @contextmanager
    def into(self, *into: Counts) -> Iterator[None]:
        """Count what is called meanwhile into those."""
        self._into = into
        with self:
            yield

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator, or make its result from what is known of it, and count it."""
        kwargs = kwargs or {}
        operator = self._operators.get(func)
        if operator is None:
            operator = self._operators[func] = Operator(func)
        result = self._result(operator, func, args, kwargs)
        call = operator.call(args, kwargs, result)
        if call.written:
            flops, size = flops_of(call.name, args, kwargs, result), moved_bytes(call.read) + moved_bytes(call.written)
            for tally in self._into:
                tally.add(call, flops, size)
        return result

    def _result(self, operator: Operator, func: Any, args: Any, kwargs: Any) -> Any:
        if operator.in_place and args[0].is_meta:
            return args[0]  # nothing to write, and its shape stays
        if operator.mutates or operator.is_view or operator.moves_nothing:
            return func(*args, **kwargs)
        key = (func, _described(args), _described(tuple(kwargs.items())))
        if key not in self._known:
            result = func(*args, **kwargs)
            self._known[key] = _recipe(result, args)
            return result
        recipe = self._known[key]
        return func(*args, **kwargs) if recipe is None else _made(recipe)


def _described(value: Any) -> Any:
    """A key: equal for arguments that give results of equal shape."""
    if isinstance(value, Tensor):
        return (tuple(value.shape), value.stride(), value.dtype, value.device)
    if isinstance(value, (list, tuple)):
        return tuple(_described(item) for item in value)
    return (type(value), value)


def _recipe(result: Any, args: Any) -> Any:
    """How to make such a result without data; None when it has data, is a view or is no plain tuple of tensors."""
    if isinstance(result, tuple):
        parts = [None if part is None else _recipe(part, args) for part in result]
        complete = all(recipe is not None or part is None for recipe, part in zip(parts, result))
        return parts if complete else None
    if not isinstance(result, Tensor) or not result.is_meta or result.storage_offset():
        return None
    place = result.untyped_storage()._cdata
    if any(tensor.untyped_storage()._cdata == place for tensor in tensors_in(args)):
        return None
    return (tuple(result.shape), result.stride(), result.dtype)


def _made(recipe: Any) -> Any:
    if isinstance(recipe, list):
        return tuple(None if part is None else _made(part) for part in recipe)
    shape, stride, dtype = recipe
    return torch.empty_strided(shape, stride, dtype=dtype, device="meta")


class EmptyOnMeta(TorchFunctionMode):
    """Weights without memory, everything else real: some constructors compute their sizes with tensors (RegNet)."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Move ``torch.empty``, with which modules make their weights."""
        kwargs = dict(kwargs or {})
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


@contextmanager
def as_on(device: str) -> Iterator[None]:
    """The operators that the device would use: ``meta`` has no fused ones, and would count the attention's score matrix
    as read and written six times. Attention is fused everywhere; dropout on CUDA, not on the CPU. The fast path that
    ``nn.MultiheadAttention`` takes in eval mode is one operator with no counts inside, so it is not taken here."""
    attention, dropout, fast_path = functional.scaled_dot_product_attention, functional.dropout, _fast_path()
    functional.scaled_dot_product_attention = _fused_attention(attention)
    if device.startswith("cuda"):
        functional.dropout = _fused_dropout(dropout)
    _set_fast_path(False)
    try:
        yield
    finally:
        functional.scaled_dot_product_attention, functional.dropout = attention, dropout
        _set_fast_path(fast_path)


def _fused_attention(unfused: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Attention as one operator, where it is the plain one that devices fuse."""
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
        if kernel is None or dropout_p or others or query.dim() != 4:
            return unfused(query, key, value, attn_mask, dropout_p, is_causal, **others)
        return kernel(query, key, value, 0.0, is_causal, attn_mask=attn_mask)[0]

    return attention


def _fused_dropout(unfused: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Dropout as one operator that writes its result and a mask of bytes."""

    def dropout(inputs: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if inplace or not training:
            return unfused(inputs, p, training, inplace)
        return torch.native_dropout(inputs, p, True)[0]

    return dropout


def _fast_path() -> bool:
    """Whether multi-head attention may take its fast path; older PyTorch has no switch, and it stays on there."""
    return bool(torch.backends.mha.get_fastpath_enabled()) if hasattr(torch.backends, "mha") else True


def _set_fast_path(enabled: bool) -> None:
    if hasattr(torch.backends, "mha"):
        torch.backends.mha.set_fastpath_enabled(enabled)
