"""Workload: a model or a single layer, described in plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Union

Kind = Literal["model", "layer"]
Parameter = Union[bool, int, float, str]

IMAGE_CHANNELS = 3


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
        """Side of the square input image in pixels; None when the input is not an image (3 channels, square)."""
        shape = self.input_shape
        if len(shape) == 3 and shape[0] == IMAGE_CHANNELS and shape[1] == shape[2]:
            return shape[1]
        return None

    def with_image(self, side: int) -> Workload:
        """The same workload on ``side`` x ``side`` images; unchanged when its input is not an image."""
        if self.image is None:
            return self
        return Workload(self.kind, self.name, self.op, (IMAGE_CHANNELS, side, side), self.params)
