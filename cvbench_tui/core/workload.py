"""Workload: a model or a single layer, described in plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Union

Kind = Literal["model", "layer"]
Parameter = Union[bool, int, float, str]

IMAGE_CHANNELS = 3
LAYER_OF_MODEL = "layer_of_model"
"""``op`` of a layer as a model has it. Its params: ``model`` (that one's op), ``layer`` (its path in the model),
``image`` (side of the model's input, pixels; ``frames`` of a clip), ``count`` (how often such a layer is called in one
forward), ``like`` (path of the first such layer), ``distinct`` (how many distinct layers the model has), ``share`` (of
the model's operations, all such layers together). A block, which is no part of the sum of a model's layers, has the
first three only."""
CODE = ("file:", "module:")
"""Begin the ``op`` of a model that a user's code makes: ``file:/home/me/net.py:make``, ``module:package.nets:make``.
Its params: ``sha256`` of the file, and for a module the ``folder`` where it was named."""
CODE_PARAMS = ("folder", "sha256")


@dataclass(frozen=True)
class Workload:
    """A model or a layer; ``worker.workloads.build`` makes the torch module."""

    kind: Kind
    name: str  # display name, as in the tables: ``Resnet50``, ``Conv3x3/1``
    op: str  # constructor of torchvision for a model, key of ``LAYER_BUILDERS`` for a layer
    input_shape: tuple[int, ...]  # input shape without the batch dimension, e.g. ``(3, 224, 224)`` or ``(197, 768)``.
    params: tuple[tuple[str, Parameter], ...] = ()  # arguments of ``op``, sorted by name

    @property
    def image(self) -> int | None:
        """Side of the square input image, or of a clip's, in pixels; None when the input is neither (3 channels, then
        frames where it is a clip, square)."""
        shape = self.input_shape
        if len(shape) in (3, 4) and shape[0] == IMAGE_CHANNELS and shape[-2] == shape[-1]:
            return shape[-1]
        return None

    def param(self, name: str) -> Parameter | None:
        """The argument of that name; None without one."""
        return dict(self.params).get(name)

    @property
    def model(self) -> Workload | None:
        """The model that this layer is one of; None for any other workload."""
        side = self.param("image")
        if self.op != LAYER_OF_MODEL or type(side) is not int:
            return None
        op, code = str(self.param("model")), tuple(pair for pair in self.params if pair[0] in CODE_PARAMS)
        frames = self.param("frames")
        clip = (frames,) if type(frames) is int else ()
        return Workload("model", op, op, (IMAGE_CHANNELS, *clip, side, side), code)

    @property
    def code(self) -> Workload | None:
        """The model that a user's code makes: this one, or the one that this layer is of. None where no such code is
        run."""
        made = self if self.kind == "model" else self.model
        return made if made is not None and made.op.startswith(CODE) else None

    def with_image(self, side: int) -> Workload:
        """The same workload on ``side`` x ``side`` images; unchanged when its input is not an image, or it is a
        model's layer, whose shape the model decides."""
        if self.image is None or self.op == LAYER_OF_MODEL:
            return self
        return Workload(self.kind, self.name, self.op, (*self.input_shape[:-2], side, side), self.params)
