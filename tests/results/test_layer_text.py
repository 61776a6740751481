from __future__ import annotations

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.text.layer_text import describe

PAGE = {
    "Conv3x3/1": "Conv2d, 3x3 Kernel, 1x1 Padding, 1x1 Stride",
    "Conv5x5/1": "Conv2d, 5x5 Kernel, 2x2 Padding, 1x1 Stride",
    "Conv3x3/2": "Conv2d, 3x3 Kernel, 1x1 Padding, 2x2 Stride",
    "Conv5x5/2": "Conv2d, 5x5 Kernel, 2x2 Padding, 2x2 Stride",
    "Dense": "1024 => 512",
    "BatchNorm": "BatchNorm2d",
}
"""The descriptions of the original page, letter for letter."""


def test_the_original_layers_are_described_as_on_the_page() -> None:
    texts = {entry.name: describe(entry.workload) for entry in LAYERS}
    assert {name: texts[name] for name in PAGE} == PAGE


def test_every_layer_of_the_catalog_is_described() -> None:
    assert [entry.name for entry in LAYERS if not describe(entry.workload)] == []


def test_what_the_pages_words_would_hide_is_said_otherwise() -> None:
    grouped = next(entry for entry in LAYERS if dict(entry.params).get("groups"))
    assert describe(grouped.workload) == grouped.description


def test_a_layer_the_catalog_does_not_know_is_described_by_its_arguments() -> None:
    assert describe(Workload("layer", "Mine", "relu6", (4,), (("inplace", True),))) == "relu6(inplace=True)"
