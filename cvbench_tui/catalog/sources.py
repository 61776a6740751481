"""Where models come from: torchvision's classification models, its other tasks, timm. A new source is one entry of
``SOURCES`` and one builder of the worker (``worker.workloads.build.MODEL_BUILDERS``), under the same name.

A source's name is what stands before the colon in the ``op`` of its models: ``timm:resnet50``. Those of torchvision's
classification models have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from cvbench_tui.base.nearest import name_key
from cvbench_tui.catalog import tasks, timm_list
from cvbench_tui.catalog.models import MODELS, ModelEntry

Entries = Callable[[], tuple[ModelEntry, ...]]


@dataclass(frozen=True)
class Source:
    """One source of models."""

    name: str  # before the colon; empty for torchvision's classification models
    title: str  # in headings and sentences
    read: Entries  # its list
    why_not: Callable[[], tuple[str, str]] = lambda: ("", "")
    """Why nothing of it can be measured here, in a sentence, and what to do about it; empty where it can."""
    late: bool = False  # its list is read from a file, for which the app's first frame does not wait

    @cached_property
    def entries(self) -> tuple[ModelEntry, ...]:
        """Its list, read once."""
        return self.read()

    @cached_property
    def by_op(self) -> dict[str, ModelEntry]:
        """The list by ``op``."""
        return {entry.op: entry for entry in self.entries}

    @cached_property
    def by_key(self) -> dict[str, ModelEntry]:
        """The list by what names are compared by: display name and ``op``."""
        return {name_key(name): entry for entry in self.entries for name in (entry.name, entry.op)}


SOURCES: tuple[Source, ...] = (
    Source("", "torchvision", lambda: MODELS),
    Source("detection", "torchvision's detection", lambda: tasks.DETECTION),
    Source("segmentation", "torchvision's segmentation", lambda: tasks.SEGMENTATION),
    Source("video", "torchvision's video", lambda: tasks.VIDEO),
    Source("timm", "timm", timm_list.entries, why_not=timm_list.why_not, late=True),
)
"""Every source, in the order of the list. A name that two have is the first one's."""


def source_of(op: str) -> Source | None:
    """The source of a model by its ``op``; None for one of another version."""
    before, colon, _ = op.partition(":")
    name = before if colon else ""
    return next((source for source in SOURCES if source.name == name), None)


def names_source(text: str) -> bool:
    """True for ``timm:anything``: a module of one's own of that name is given by its file."""
    return ":" in text and source_of(name_key(text)) is not None


def entry_of(op: str) -> ModelEntry | None:
    """What the lists have under that ``op``; None where they have nothing, as of a user's own module."""
    source = source_of(op)
    return source.by_op.get(op) if source is not None else None


def all_models(*, late: bool = True) -> Iterator[ModelEntry]:
    """The models of every list that can be measured here, source by source; those of late ones only where wanted."""
    for source in SOURCES:
        if (late or not source.late) and not source.why_not()[0]:
            yield from source.entries
