"""Bytes that operators read and write, and the bytes of a phase that come from outside it or outlive it. Only sizes and
identities of tensors are looked at, so everything works on tensors without data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from cvbench_tui.core.measurement import Phase, PhaseWork
from cvbench_tui.worker.extras.flop_formulas import COUNTED

ALLOCATIONS = frozenset(("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"))
"""They reserve memory and touch none of it."""
UNREAD = {
    **dict.fromkeys(("copy_", "fill_", "zero_", "bernoulli_", "uniform_", "normal_"), 0),
    **dict.fromkeys(("new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like"), 0),
    **dict.fromkeys(("max_pool2d_with_indices_backward", "avg_pool2d_backward", "_adaptive_avg_pool2d_backward"), 1),
}
"""Position of the operand that is only written, or of which only the shape is needed."""


@dataclass
class PhaseCounts:
    """What the operators of one phase, or of two, compute and move."""

    flops: int = 0
    _bytes: int = 0
    _operators: set[Any] = field(default_factory=set)
    _winograd: bool = False
    _outside: dict[StorageWeakRef, int] = field(default_factory=dict)
    """Sizes of the storages that were there before the phase ..."""
    _made: dict[StorageWeakRef, int] = field(default_factory=dict)
    """... and of those made in it. A weak reference keeps an address, not memory: no other matches."""

    def add(self, func: Any, args: Sequence[Any], read: Sequence[Tensor], written: Sequence[Tensor]) -> None:
        """Count one call that moves something."""
        self._bytes += _bytes(read) + _bytes(written)
        self._operators.add(func.overloadpacket)
        self._winograd = self._winograd or _may_use_winograd(func, args)
        for storage in (tensor.untyped_storage() for tensor in read):
            if (reference := StorageWeakRef(storage)) not in self._made:
                self._outside[reference] = storage.nbytes()
        for storage in (tensor.untyped_storage() for tensor in written):
            if (reference := StorageWeakRef(storage)) not in self._outside:
                self._made.setdefault(reference, storage.nbytes())

    def work(self, phase: Phase) -> PhaseWork:
        """As the measurement carries it; to be asked for at the end of the phase, while its results are alive. Each
        storage that was there before or is left is moved at least once; one that is made and dropped again need never
        reach memory."""
        left = sum(size for reference, size in self._made.items() if not reference.expired())
        footprint = left + sum(self._outside.values())
        uncounted = {operator.__name__.rstrip("_") for operator in self._operators - COUNTED}
        return PhaseWork(phase, self.flops, self._bytes, footprint, self._winograd, tuple(sorted(uncounted)))


class TrafficMode(TorchDispatchMode):
    """Sees every operator below autograd. On ``meta`` a result's shape is worked out once for equal operands: the shape
    functions of batch norm and of sums take milliseconds (resnet152: 2.2 s without, 0.5 s with it)."""

    def __init__(self, phases: Sequence[PhaseCounts], results: dict[Any, Any]) -> None:
        super().__init__()
        self._phases = phases
        self._results = results  # by operator and operands, to be shared by the phases of a case

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator, or make its result from an earlier one, and count it."""
        kwargs = kwargs or {}
        result = self._result(func, args, kwargs)
        read, written = _operands(func, args, kwargs, result)
        for phase in self._phases if written else ():
            phase.add(func, args, read, written)
        return result

    def _result(self, func: Any, args: Any, kwargs: Any) -> Any:
        mutates, moves_nothing = func._schema.is_mutable, _moves_nothing(func)
        if mutates and not moves_nothing and _name(func).endswith("_") and args[0].is_meta:
            return args[0]  # in place: nothing to write, and its shape stays
        if mutates or moves_nothing:
            return func(*args, **kwargs)
        key = (func, _described(args), _described(tuple(kwargs.items())))
        if key in self._results:
            return _fresh(self._results[key])
        result = func(*args, **kwargs)
        places = {_place(tensor) for tensor in _tensors_in(args)}
        made = list(_tensors_in(result))
        if all(each.is_meta and not each.storage_offset() and _place(each) not in places for each in made):
            self._results[key] = _fresh(result)
        return result


@cache
def _moves_nothing(func: Any) -> bool:
    """Views and allocations."""
    return func.is_view or torch.Tag.inplace_view in func.tags or _name(func) in ALLOCATIONS


def _operands(func: Any, args: Sequence[Any], kwargs: Any, result: Any) -> tuple[list[Tensor], list[Tensor]]:
    """The tensors that a call reads and those it writes; none when nothing moves."""
    written, theirs = list(_tensors_in(result)), list(_tensors_in((args, *kwargs.values())))
    shared = {_place(tensor) for tensor in written} & {_place(tensor) for tensor in theirs}
    if _moves_nothing(func) or (shared and not func._schema.is_mutable):  # such as a reshape that could be a view
        return [], []
    unread = {UNREAD.get(_name(func))}
    if _name(func) == "convolution_backward":  # each gradient needs one of input and weight
        wants_input, wants_weight = args[10][:2]
        unread = {None if wants_weight else 1, None if wants_input else 2}
    operands = [arg for position, arg in enumerate(args) if position not in unread]
    return list(_tensors_in((operands, *kwargs.values()))), written


@cache
def _name(func: Any) -> str:
    """``add_`` of ``aten::add_.Tensor``."""
    return str(func.overloadpacket.__name__)


def _tensors_in(values: Any) -> Iterator[Tensor]:
    """Every tensor in arguments or results, lists included."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _tensors_in(value)


def _bytes(tensors: Sequence[Tensor]) -> int:
    """Bytes of those tensors, the same one once. What an expanded dimension repeats is there once only."""
    once = {}
    for tensor in tensors:
        elements = prod(size for size, step in zip(tensor.shape, tensor.stride()) if step != 0)
        place = (_place(tensor), tensor.storage_offset(), tensor.shape, tensor.stride())
        once[place] = elements * tensor.element_size()
    return sum(once.values())


def _place(tensor: Tensor) -> int:
    """The address of its storage; ``data_ptr`` is 0 without data."""
    return tensor.untyped_storage()._cdata


def _may_use_winograd(func: Any, args: Sequence[Any]) -> bool:
    """True for dense convolutions at stride 1 with 3x3 or 5x5 kernels, forward or backward.

    Those are the ones that cuDNN ("winograd", "winograd nonfused") and oneDNN may do with fewer multiplications: 2.25
    times fewer for 3x3 and 2.8 for 5x5 in tiles of 2x2, 4 for 3x3 in tiles of 4x4 (Lavin and Gray, "Fast algorithms
    for convolutional neural networks", 2016).
    """
    at = {"convolution": 1, "convolution_backward": 2}.get(_name(func))
    if at is None:
        return False
    stride, _, dilation, transposed, _, groups = args[at + 2 : at + 8]
    plain = groups == 1 and not transposed and set(stride) == {1} and set(dilation) == {1}
    return plain and tuple(args[at].shape[2:]) in ((3, 3), (5, 5))


def _described(value: Any) -> Any:
    """A key: equal for arguments that give results of equal shape."""
    if isinstance(value, Tensor):
        return (value.shape, value.stride(), value.dtype, value.device)
    if isinstance(value, (list, tuple)):
        return tuple(_described(item) for item in value)
    return (type(value), value)


def _fresh(result: Any) -> Any:
    """The same without data, in storages of its own."""
    if isinstance(result, (list, tuple)):
        return type(result)(_fresh(each) for each in result)
    if isinstance(result, Tensor):
        return torch.empty_strided(result.shape, result.stride(), dtype=result.dtype, device="meta")
    return result
