"""How the plan is measured: protocol, batches, image sizes, a line for each axis, phases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from cvbench_tui.catalog.axes import check_batch, check_image, check_phases, check_values, split
from cvbench_tui.core.axes import LISTED, Axis
from cvbench_tui.core.measurement import USUAL_PHASES
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.errors import SelectionError
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.state.plan_settings import (
    Choice,
    PlanSettings,
    axis_choices,
    chosen_settings,
    phase_choices,
    turn_choices,
)
from cvbench_tui.tui.state.plan_summary import protocol_line
from cvbench_tui.tui.widgets.choices import HEIGHTS
from cvbench_tui.tui.widgets.tick_line import TickLine

Checked = TypeVar("Checked")
Preview = Callable[[PlanSettings], Content]

SIZE_HELP = {
    "batch": "Batch: inputs per iteration, several with commas; max: the largest that fits, which the run finds. "
    "Empty: the default of each row, 8 or 4.",
    "image": "Image: pixels a side, several with commas. Empty: each model's own.",
}


class SettingsScreen(Modal[PlanSettings]):
    """Dismisses with the settings, or with None when nothing is to change."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="settings.close", tooltip="Close without changes"),
        Binding("enter", "use", "Use", id="settings.use", tooltip="Use these settings"),
        Binding("down,j", "app.focus_next", "Next line", id="settings.down", tooltip="The next line"),
        Binding("up,k", "app.focus_previous", "Previous line", id="settings.up", tooltip="Previous line"),
    ]
    DEFAULT_CSS = """
    SettingsScreen #fields { height: auto; max-height: 13; overflow-y: auto; }
    SettingsScreen.-low #fields { max-height: 5; }
    SettingsScreen.-high #fields { max-height: 26; }
    SettingsScreen .line { height: auto; }
    SettingsScreen.-high .line { margin-top: 1; }
    SettingsScreen .line Static { width: 15; }
    SettingsScreen .line #image-title { width: 8; padding-left: 2; }
    SettingsScreen .line Input { width: 1fr; max-width: 24; }
    SettingsScreen .-numbers TickLine { width: auto; max-width: 75%; }
    SettingsScreen #rows { height: auto; max-height: 2; margin-top: 1; text-style: bold; }
    SettingsScreen #complaint { margin-top: 0; height: 3; }
    """

    def __init__(
        self, now: PlanSettings, samples: Sequence[Case] = (), preview: Preview = lambda settings: Content("")
    ) -> None:
        """``now``: what is set; ``samples``: cases of what is ticked, which say what a device can do; ``preview``: the
        rows that settings would make, in words."""
        super().__init__()
        self._now = now
        self._samples = samples
        self._preview = preview

    def compose(self) -> ComposeResult:
        """The lines, the rows they make, what the value under the cursor means or what is wrong, buttons."""
        now = self._now
        protocols = [Choice(name, protocol_line(name)) for name in PROTOCOLS]
        with Dialog("How it is measured", "Space tick   Enter use   arrows, Tab move   Escape close"):
            with Vertical(id="fields"):  # VerticalScroll would take the arrow keys
                with Horizontal(classes="line"):
                    yield TickLine("Protocol", protocols, (now.protocol,), id="protocol", single=True)
                with Horizontal(classes="line"):
                    yield Static("Batch", markup=False)
                    yield Input(_listed(now.batches), placeholder="default", id="batch", compact=True)
                    yield Static("Image", id="image-title", markup=False)
                    yield Input(_listed(now.images), placeholder="default", id="image", compact=True)
                for axis in LISTED:
                    yield from self._axis_line(axis)
                with Horizontal(classes="line"):
                    yield TickLine("Phases", phase_choices(), now.phases or USUAL_PHASES, id="phases")
                with Horizontal(classes="line") as turns:
                    turns.display = bool(now.several)
                    yield TickLine("In turn", turn_choices(now), (now.alternate,), id="in-turn", single=True)
            yield Static(id="rows", markup=False)
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(use="Use", close="Close")

    def _axis_line(self, axis: Axis) -> ComposeResult:
        """The values of that axis, and room for numbers where it has any."""
        ticked = dict(self._now.settings).get(axis.name, (axis.default,))
        names = [each.name for each in axis.values]
        with Horizontal(classes="line -numbers" if axis.most is not None else "line"):
            yield TickLine(axis.title, axis_choices(axis, self._samples), ticked, id=_ticks(axis))
            if axis.most is not None:
                numbers = _listed([name for name in ticked if name not in names])
                yield Input(numbers, placeholder="numbers", id=_numbers(axis), compact=True)

    @on(Input.Changed)
    @on(TickLine.Changed)
    def _check(self) -> PlanSettings | None:
        """What is chosen; None, and what is wrong with it, while it cannot be used."""
        try:
            settings = self._settings()
        except SelectionError as error:
            self.complain(f"{error.message} {error.hint}".strip())
            self.query_one("#rows", Static).update("")
            return None
        self.query_one("#rows", Static).update(self._preview(settings))
        self._explain()
        return settings

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        """Say what can be typed in a field."""
        self._check()

    @on(Input.Submitted)
    def action_use(self) -> None:
        """Close with the settings, unless one of them is wrong."""
        settings = self._check()
        if settings is not None:
            self.dismiss(settings)

    def _settings(self) -> PlanSettings:
        """What is ticked and typed. A line without a tick gets its default's. Raises SelectionError."""
        batches, images = self._typed("#batch", check_batch), self._typed("#image", check_image)
        chosen = {}
        for axis in LISTED:
            line = self.query_one(f"#{_ticks(axis)}", TickLine)
            typed = self._text(f"#{_numbers(axis)}") if axis.most is not None else ""
            numbers = check_values(axis, split(typed)) if typed else ()
            if not line.ticked and not numbers:
                line.tick((axis.default,))
            chosen[axis.name] = tuple(dict.fromkeys((*line.ticked, *numbers)))
        phases = self.query_one("#phases", TickLine)
        if not phases.ticked:
            phases.tick(USUAL_PHASES)
        named = check_phases(phases.ticked)
        settings = PlanSettings(
            self.query_one("#protocol", TickLine).ticked[0],
            batches,
            images,
            chosen_settings(chosen, self._now.settings),
            () if named == USUAL_PHASES else named,
        )
        turns, choices = self.query_one("#in-turn", TickLine), turn_choices(settings)
        if choices != turns.choices:
            turns.offer(choices)
        assert turns.parent is not None
        turns.parent.display = bool(settings.several)
        return replace(settings, alternate=turns.ticked[0] if turns.ticked[0] in settings.several else "")

    def _explain(self) -> None:
        """Say what is under the cursor, and why no ticked device can do it."""
        if isinstance(self.focused, TickLine):
            choice = self.focused.current
            sentence = f"{choice.name}: {choice.help}"
            reason = f". Not here: {choice.reason}" if choice.reason else ""
            self.complain(f"{sentence}{reason}", "-remark" if reason else "-hint")
        elif isinstance(self.focused, Input):
            axis = next((axis for axis in LISTED if _numbers(axis) == self.focused.id), None)
            help_text = SIZE_HELP.get(self.focused.id or "", "")
            if axis is not None:
                help_text = f"{axis.title}: numbers from 1 to {axis.most}, several with commas."
            self.complain(help_text, "-hint")
        else:
            self.complain("")

    def _text(self, selector: str) -> str:
        return self.query_one(selector, Input).value.strip()

    def _typed(self, selector: str, check: Callable[[str], Checked]) -> tuple[Checked, ...]:
        """The field's numbers, each once; none when it is empty. Raises SelectionError."""
        text = self._text(selector)
        return tuple(dict.fromkeys(map(check, split(text)))) if text else ()


def _ticks(axis: Axis) -> str:
    """Id of the line of that axis."""
    return f"axis-{axis.name}"


def _numbers(axis: Axis) -> str:
    """Id of the field for that axis' numbers."""
    return f"{_ticks(axis)}-numbers"


def _listed(values: Sequence[object]) -> str:
    return ",".join(map(str, values))
