"""The help: keys, columns, grades and reasons, each from its declaration, so that it cannot go stale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from cvbench_tui.core.grading.reasons import GRADE_HELP, NOTICES, REASONS, ReasonKind
from cvbench_tui.results.detail.phase import LABELS
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.tui.keys.display import shown_keys
from cvbench_tui.tui.screens.modal import Modal
from cvbench_tui.tui.screens.page import Page, inner_width, section

Places = Sequence[tuple[str, Sequence[Binding]]]
"""Title of a place, and the keys that it has."""

INTRODUCTION = (
    "Tick models, layers and devices, press r, watch the table fill, press s to save it.\n"
    "Every number is measured in a process of its own, not in this one."
)
SETTINGS = (
    ("config.toml", "Theme, columns, layout, ASCII, and every key under [keys]; docs/settings.md explains each."),
    ("methodology", "How each number is taken and graded: docs/methodology.md."),
)  # fmt: skip
MAX_WIDTH = 20
"""Cells of a label beyond which its text begins on the next line."""


class HelpScreen(Modal[None]):
    """A page to scroll and to close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark,f1", "close", "Close", id="help.close", tooltip="Back to where you were"),
    ]
    DEFAULT_CSS = """
    HelpScreen #help { height: auto; }
    """

    def __init__(self, focused: Places, rest: Places, ascii: bool = False) -> None:  # noqa: A002
        """``focused``: the pane that has the focus, shown first. ``ascii``: no sign that is not ASCII."""
        super().__init__()
        self._places = [*focused, *rest]
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """One text in a box that scrolls."""
        with Page() as page:
            page.border_title = Content("Help")
            page.border_subtitle = Content("arrows, j k, Space scroll   Escape close")
            yield Static(id="help", markup=False)

    def on_mount(self) -> None:
        """The arrows scroll at once."""
        self.query_one(Page).focus()
        self._draw()

    def on_resize(self) -> None:
        """Fold the texts at the new width."""
        self._draw()

    def _draw(self) -> None:
        text = help_page(self.app, self._places, inner_width(self.app.size.width), ascii=self._ascii)
        self.query_one("#help", Static).update(text)

    def action_close(self) -> None:
        """Back to where the user was."""
        self.dismiss(None)


def help_page(app: App[object], places: Places, width: int, *, ascii: bool = False) -> Content:  # noqa: A002
    """Everything, folded at ``width`` cells; keys are those that ``app`` has mapped."""
    lists: list[tuple[str, Sequence[tuple[str, str]]]] = [(title, _keys(app, bindings)) for title, bindings in places]
    lists += [
        ("Columns", [(column.heading, column.help) for column in COLUMNS]),
        ("Grades", list(GRADE_HELP.items())),
        ("Reasons for a grade, and what to do", _kinds(REASONS)),
        ("Notices, which cost no grade", _kinds(NOTICES)),
        ("In the detail of a row", list(LABELS.items())),
        ("Settings and manual", SETTINGS),
    ]
    if ascii:
        from cvbench_tui.results.text.ascii import to_ascii

        lists = [(title, [(to_ascii(label), to_ascii(text)) for label, text in entries]) for title, entries in lists]
    sections = [section(title, entries, width=width, widest=MAX_WIDTH) for title, entries in lists]
    return Content("\n\n").join([Content(INTRODUCTION), *sections])


def _keys(app: App[object], bindings: Sequence[Binding]) -> list[tuple[str, str]]:
    """Keys and what they do; a binding without words is not for people."""
    texts = [(shown_keys(app, each), each.tooltip or each.description) for each in bindings]
    return [(keys, text) for keys, text in texts if text]


def _kinds(kinds: Mapping[str, ReasonKind]) -> list[tuple[str, str]]:
    """Code and what there is to say of it."""
    return [(code.replace("_", " "), f"{kind.meaning} {kind.remedy}".rstrip()) for code, kind in kinds.items()]
