"""What the command palette offers: every action that can be used now, presets, past runs and themes.

It does nothing itself: an action runs where its key would have run it, the rest are calls of the app.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from cvbench_tui.base.escape import visible
from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.keys.display import shown_keys

if TYPE_CHECKING:
    from cvbench_tui.catalog.presets import PresetEntry
    from cvbench_tui.results.storage.runs import RunSummary

MAX_RUNS = 50
"""Past runs that are offered, newest first; the dialog of runs has them all."""
PALETTE = "command_palette"
"""The action that opens the palette, which is open already."""


class PaletteApp(Protocol):
    """What the palette asks of the app."""

    def list_presets(self) -> Sequence[PresetEntry]:
        """Every preset. Called in a thread; may raise CvbenchError."""

    def list_runs(self) -> Sequence[RunSummary]:
        """The runs of the past, newest first. Called in a thread; may raise CvbenchError."""

    def open_preset(self, name: str) -> object:
        """Tick what that preset holds."""

    def open_run(self, path: Path) -> object:
        """Show the run of that file."""

    def set_theme(self, name: str) -> object:
        """Use that theme, and remember it."""


@dataclass(frozen=True)
class Command:
    """One line of the palette."""

    name: str
    help: str
    """Its keys, or what it is about."""
    run: Callable[[], object]


class BenchCommands(Provider):
    """Searched by name; without a search, the actions that are in the footer come first."""

    _loading: asyncio.Task[list[Command]] | None = None

    async def startup(self) -> None:
        """Begin to read presets and runs, which nothing waits for until something is searched."""
        self._actions = actions(self.screen)
        self._loading = asyncio.create_task(asyncio.to_thread(lists, cast(PaletteApp, self.app)))

    async def shutdown(self) -> None:
        """Let go of what is still being read."""
        if self._loading is not None:
            self._loading.cancel()

    async def discover(self) -> Hits:
        """The actions in the order of use."""
        for each in self._actions:
            name = visible(each.name)
            yield DiscoveryHit(Content(name), each.run, name, _help(each))

    async def search(self, query: str) -> Hits:
        """Whatever the query matches, in actions, presets, runs and themes."""
        assert self._loading is not None
        # A key pressed meanwhile cancels this search, but not the reading.
        loaded = await asyncio.shield(self._loading)
        matcher = self.matcher(query)
        for each in [*self._actions, *loaded, *themes(self.app)]:
            name = visible(each.name)
            score, offsets = matcher.fuzzy_search.match(query, name)
            if score > 0:
                yield Hit(score, _highlighted(name, offsets), each.run, name, _help(each))


def actions(screen: Screen[object]) -> list[Command]:
    """What the app and the focused pane can do now: first what the footer shows, the app's before the pane's."""
    found: dict[tuple[DOMNode, str], tuple[bool, bool, Binding]] = {}
    for node, binding in _bindings(screen):
        place = (node, binding.action)
        shown, of_app, known = found.get(place, (binding.show, node is screen.app, binding))
        keys = known.key if binding.key in known.key.split(",") else f"{known.key},{binding.key}"
        found[place] = (shown or binding.show, of_app, replace(known, key=keys))
    ranked = sorted(found.items(), key=lambda item: (not item[1][0], not item[1][1]))
    return [_action(screen.app, node, binding) for (node, _), (_, _, binding) in ranked]


def _bindings(screen: Screen[object]) -> list[tuple[DOMNode, Binding]]:
    """Declared bindings from the focus up to the app that have an id and words and can be used now.

    Not ``active_bindings``: while a filter has the focus that leaves out every letter, and nothing of the app is left.
    """
    found = []
    for node in (screen.focused or screen).ancestors_with_self:
        if isinstance(node, DOMNode):
            for _, binding in node._bindings:
                usable = binding.id and binding.tooltip and binding.action != PALETTE and not binding.system
                if usable and screen.app._check_action_state(binding.action, node):
                    found.append((node, binding))
    return found


def _action(app: App[object], node: DOMNode, binding: Binding) -> Command:
    """The binding as a command that runs where its key would."""
    return Command(binding.tooltip, shown_keys(app, binding), partial(app.run_action, binding.action, node))


def lists(app: PaletteApp) -> list[Command]:
    """Presets and past runs; of one kind none when it cannot be read, which its dialog says in words."""
    commands = []
    for read in (_presets, _runs):
        try:
            commands += read(app)
        except CvbenchError:
            continue
    return commands


def _presets(app: PaletteApp) -> list[Command]:
    commands = []
    for entry in app.list_presets():
        if not entry.problem:
            about = f"{entry.workloads} workloads, {'own' if entry.own else 'shipped'}"
            name = f"Open preset {entry.name}: {entry.description}".removesuffix(": ")
            commands.append(Command(name, about, partial(app.open_preset, entry.name)))
    return commands


def _runs(app: PaletteApp) -> list[Command]:
    from cvbench_tui.tui.screens.runs import moment

    readable = [run for run in app.list_runs() if not run.problem][:MAX_RUNS]
    commands = []
    for run in readable:
        rows = "1 row" if run.rows == 1 else f"{run.rows} rows"
        name = f"Open run {moment(run.started_at_s)} {run.plan_name}, {rows}"
        about = f"{run.measured} measured, {run.failed} failed"
        commands.append(Command(name, about, partial(app.open_run, run.path)))
    return commands


def themes(app: App[object]) -> list[Command]:
    """Every theme but the one in use."""
    names = [name for name in app.available_themes if name != app.theme]
    switch = cast(PaletteApp, app).set_theme
    return [Command(f"Theme {name}", "colours", partial(switch, name)) for name in names]


def _highlighted(name: str, offsets: Sequence[int]) -> Content:
    """The name, never as markup, which ``Matcher.highlight`` would read; its matches underlined."""
    content = Content(name)
    for offset in offsets:
        content = content.stylize("underline", offset, offset + 1)
    return content


def _help(command: Command) -> str:
    """What stands under the name. The palette reads markup in it, so what could be some is escaped."""
    return visible(command.help).replace("[", "\\[")
