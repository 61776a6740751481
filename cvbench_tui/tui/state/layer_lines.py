"""A model's layers as lines of a list. No widget."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.base.cells import cell_len, set_cell_size, shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.catalog.layers import LayerEntry

MAX_NAME = 40  # cells of a layer's path


def layer_lines(layers: Sequence[LayerEntry]) -> tuple[str, ...]:
    """``layer1.0.conv1  Conv2d  64x56x56  4x  25.4%`` for each, in columns."""
    rows = [_texts(entry) for entry in layers]
    widths = [max((cell_len(row[place]) for row in rows), default=0) for place in range(5)]
    left = [[set_cell_size(row[place], widths[place]) for place in range(3)] for row in rows]
    right = [[row[place].rjust(widths[place]) for place in (3, 4)] for row in rows]
    return tuple("  ".join((*first, *last)) for first, last in zip(left, right, strict=True))


def _texts(entry: LayerEntry) -> tuple[str, ...]:
    params, kind = dict(entry.params), entry.description.partition("(")[0]
    name = one_line(str(params.get("layer", ""))) + entry.name[entry.name.rfind(" @") :] * (" @" in entry.name)
    shape = "x".join(map(str, entry.input_shape))
    share = float(params.get("share", 0.0))
    return shorten(name, MAX_NAME), one_line(kind), shape, f"{params.get('count', 1)}x", f"{share:.1%}"
