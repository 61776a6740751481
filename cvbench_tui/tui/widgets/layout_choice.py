"""Which of the two markdown layouts."""

from __future__ import annotations

from typing import cast

from cvbench_tui.base.choices import Layout
from cvbench_tui.tui.widgets.radio_list import ChoiceLines

LAYOUTS: tuple[tuple[Layout, str], ...] = (
    ("wide", "every column, one row per case"),
    ("original", "the form of the published tables"),
)


class LayoutChoice(ChoiceLines):
    """Two lines, one of them chosen."""

    def __init__(self, layout: Layout = "wide") -> None:
        super().__init__(LAYOUTS, layout)

    @property
    def layout_name(self) -> Layout:
        """The chosen one."""
        return cast(Layout, self.chosen)
