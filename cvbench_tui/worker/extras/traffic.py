"""Bytes that operators read and write, and the bytes of a phase that come from outside it or outlive it.

Only sizes and identities of tensors are looked at, so everything works on tensors without data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

ALLOCATIONS = frozenset(("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"))
"""They reserve memory and touch none of it."""
OVERWRITES = frozenset(("copy_", "fill_", "zero_", "bernoulli_", "uniform_", "normal_"))
"""In-place operators that do not read what was there."""
ONLY_SHAPES = {
    "max_pool2d_with_indices_backward": (1,),
    "avg_pool2d_backward": (1,),
    "_adaptive_avg_pool2d_backward": (1,),
    "new_zeros": (0,),
    "new_ones": (0,),
    "new_full": (0,),
    "zeros_like": (0,),
    "ones_like": (0,),
    "full_like": (0,),
}
"""Operands of which only the shape is needed, by position."""


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Every tensor in arguments or results, lists included."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from tensors_in(value)


def moved_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of those tensors, the same one once. What an expanded dimension repeats is there once only."""
    once = {}
    for tensor in tensors:
        shape, stride = tuple(tensor.shape), tensor.stride()
        elements = prod(size for size, step in zip(shape, stride) if step != 0)
        place = (tensor.untyped_storage()._cdata, tensor.storage_offset(), shape, stride)
        once[place] = elements * tensor.element_size()
    return sum(once.values())


@dataclass(frozen=True)
class Call:
    """One call of an operator."""

    name: str
    """Without ``aten::`` and without the ``_`` of the in-place form."""
    args: Sequence[Any]
    read: Sequence[Tensor]
    written: Sequence[Tensor]
    """Empty, as ``read`` is, when nothing moves: views and allocations."""


class Operator:
    """What an aten operator does with its operands, from its declaration."""

    def __init__(self, func: Any) -> None:
        name = func._schema.name.partition("::")[2]
        self.mutates: bool = func._schema.is_mutable
        self.is_view: bool = getattr(func, "is_view", False) or torch.Tag.inplace_view in func.tags
        self.moves_nothing = name in ALLOCATIONS
        self.in_place = self.mutates and not self.is_view and name.endswith("_")
        self.name = name[:-1] if self.in_place else name
        self._overwrites = name in OVERWRITES

    def call(self, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> Call:
        """The tensors that this call reads and those it writes."""
        if self.is_view or self.moves_nothing:
            return Call(self.name, args, (), ())
        written = list(tensors_in(result))
        if self.mutates:
            operands = args[1:] if self._overwrites else args
            return Call(self.name, args, list(tensors_in((operands, *kwargs.values()))), written)
        theirs = {tensor.untyped_storage()._cdata for tensor in tensors_in((args, *kwargs.values()))}
        if not all(tensor.untyped_storage()._cdata not in theirs for tensor in written):
            return Call(self.name, args, (), ())  # such as a reshape that could be a view
        unread = _unread(self.name, args)
        operands = [arg for position, arg in enumerate(args) if position not in unread]
        return Call(self.name, args, list(tensors_in((operands, *kwargs.values()))), written)


def _unread(name: str, args: Sequence[Any]) -> tuple[int, ...]:
    """Positions of operands that are not read. A convolution's gradients need one of input and weight each."""
    if name == "convolution_backward":
        wants_input, wants_weight = args[10][0], args[10][1]
        return (() if wants_weight else (1,)) + (() if wants_input else (2,))
    return ONLY_SHAPES.get(name, ())


class Footprint:
    """Storages of one phase: those that were there before it and are read, and those it leaves behind.

    In between, a tensor that is made and dropped again need never reach memory; these must.
    """

    def __init__(self) -> None:
        self._from_outside: dict[int, int] = {}
        self._made: dict[int, tuple[StorageWeakRef, int]] = {}

    def add(self, read: Iterable[Tensor], written: Iterable[Tensor]) -> None:
        """What one call reads and writes. Weak references: nothing lives longer for being counted."""
        for tensor in read:
            storage = tensor.untyped_storage()
            if storage._cdata not in self._made:
                self._from_outside[storage._cdata] = storage.nbytes()
        for tensor in written:
            storage = tensor.untyped_storage()
            if storage._cdata not in self._made and storage._cdata not in self._from_outside:
                # the reference also keeps the number from being given to another storage
                self._made[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())

    def total_bytes(self) -> int:
        """Now, at the end of the phase: each storage once."""
        left = sum(size for reference, size in self._made.values() if not reference.expired())
        return left + sum(self._from_outside.values())
