"""The plan's settings: protocol, batch and image size. Empty leaves each workload its own size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from cvbench_tui.catalog.axes import Batch, check_batch, check_image, split
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.errors import SelectionError
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.widgets.choices import RadioList

Checked = TypeVar("Checked")


@dataclass(frozen=True)
class PlanSettings:
    """What the plan is measured with."""

    protocol: str  # name of one of ``PROTOCOLS``
    batches: tuple[Batch, ...]  # inputs per iteration, each in turn; none: each workload's own
    images: tuple[int, ...]  # sides of the square image in pixels, each in turn; none: each model's own


class SettingsScreen(Modal[PlanSettings]):
    """Dismisses with the settings, or with None when nothing is to change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="settings.close", tooltip="Close without changes"),
        Binding("enter", "use", "Use", id="settings.use", tooltip="Use these settings"),
    ]
    DEFAULT_CSS = """
    SettingsScreen .field { height: 1; margin-top: 1; }
    SettingsScreen .field Static { width: 8; }
    SettingsScreen .field Input { width: 12; }
    SettingsScreen .field .hint { width: 1fr; padding-left: 2; }
    """

    def __init__(self, protocol: str, batches: tuple[Batch, ...], images: tuple[int, ...]) -> None:
        """What is set now; without batches or image sizes their field is empty."""
        super().__init__()
        self._now = PlanSettings(protocol, batches, images)

    def compose(self) -> ComposeResult:
        """Four protocols, two numbers, room for a complaint, buttons."""
        from cvbench_tui.tui.state.plan_summary import protocol_line

        with Dialog("Protocol, batch, image size", "Enter use   Tab next field   Escape close"):
            lines = [(name, protocol_line(name)) for name in PROTOCOLS]
            yield RadioList(lines, self._now.protocol, id="protocol")
            yield from _field("batch", "Batch", self._now.batches, "empty: the default of each row, 8 or 4")
            yield from _field("image", "Image", self._now.images, "pixels a side; empty: each model's own")
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(use="Use", close="Close")

    @on(Input.Changed)
    def _check(self) -> PlanSettings | None:
        """What is chosen; None, and what is wrong with it, while it cannot be used."""
        try:
            settings = PlanSettings(
                self.query_one("#protocol", RadioList).chosen,
                self._numbers("#batch", check_batch),
                self._numbers("#image", check_image),
            )
        except SelectionError as error:
            self.complain(f"{error.message} {error.hint}".strip())
            return None
        self.complain("")
        return settings

    @on(Input.Submitted)
    def action_use(self) -> None:
        """Close with the settings, unless one of them is wrong."""
        settings = self._check()
        if settings is not None:
            self.dismiss(settings)

    def _numbers(self, selector: str, check: Callable[[str], Checked]) -> tuple[Checked, ...]:
        """The field's numbers; none when it is empty. Raises SelectionError."""
        text = self.query_one(selector, Input).value.strip()
        return tuple(dict.fromkeys(map(check, split(text)))) if text else ()


def _field(key: str, label: str, numbers: tuple[Batch, ...], hint: str) -> ComposeResult:
    """A labelled line to type a number in."""
    with Horizontal(classes="field"):
        yield Static(label, markup=False)
        yield Input(",".join(map(str, numbers)), placeholder="default", id=key, compact=True)
        yield Static(hint, classes="hint", markup=False)
