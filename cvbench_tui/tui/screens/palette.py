"""The command palette, Textual's with workarounds: every action that can be used now, presets, saved runs, themes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider, SearchIcon, SimpleCommand
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.worker import Worker

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.keys.bindings import shown_keys

ICON = ">"  # before what is typed
PALETTE = "command_palette"  # the action that opens the palette, which is open already


class BenchCommands(Provider):
    """Searched by name; without a search, the actions that are in the footer come first."""

    _loading: asyncio.Task[Sequence[SimpleCommand]] | None = None

    def __init__(self, load: Callable[[], Sequence[SimpleCommand]], *screen: Any) -> None:
        """``load``: presets and saved runs; called in a thread."""
        super().__init__(*screen)
        self._load = load

    async def startup(self) -> None:
        """Begin to load, which nothing waits for until something is searched."""
        self._actions = actions(self.screen)
        self._loading = asyncio.create_task(asyncio.to_thread(self._load))

    async def shutdown(self) -> None:
        """Let go of what is still being loaded."""
        if self._loading is not None:
            self._loading.cancel()

    async def discover(self) -> Hits:
        """The actions in the order of use."""
        for each in self._actions:
            name = visible(each.name)
            yield DiscoveryHit(Content(name), each.callback, name, _help(each))

    async def search(self, query: str) -> Hits:
        """Whatever the query matches, in actions, presets, runs and themes."""
        assert self._loading is not None
        loaded = await asyncio.shield(self._loading)  # a key pressed meanwhile cancels this search, not the loading
        match = self.matcher(query).fuzzy_search.match
        for each in [*self._actions, *loaded, *themes(self.app)]:
            name = visible(each.name)
            score, offsets = match(query, name)
            if score > 0:
                yield Hit(score, _highlighted(name, offsets), each.callback, name, _help(each))


def actions(screen: Screen[object]) -> list[SimpleCommand]:
    """What the app and the focused pane can do now: first what the footer shows, the app's before the pane's.

    Not by ``active_bindings``: while a filter has the focus they leave out every letter.
    """
    app = screen.app
    found: dict[tuple[DOMNode, str], list[Binding]] = {}
    for node in (screen.focused or screen).ancestors_with_self:
        for _, binding in node._bindings:
            named = binding.id and binding.tooltip and binding.action != PALETTE and not binding.system
            if named and app._check_action_state(binding.action, node):
                found.setdefault((node, binding.action), []).append(binding)
    ranked = sorted(found.items(), key=lambda item: (not any(each.show for each in item[1]), item[0][0] is not app))
    return [
        SimpleCommand(bindings[0].tooltip, partial(app.run_action, action, node), _shown_keys(app, bindings))
        for (node, action), bindings in ranked
    ]


def _shown_keys(app: App[object], bindings: Sequence[Binding]) -> str:
    """The keys of an action: it has a binding for each."""
    keys = dict.fromkeys(key for binding in bindings for key in binding.key.split(","))
    return shown_keys(app, replace(bindings[0], key=",".join(keys)))


def themes(app: App[object]) -> list[SimpleCommand]:
    """Every theme but the one in use."""
    names = [name for name in app.available_themes if name != app.theme]
    return [SimpleCommand(f"Theme {name}", partial(setattr, app, "theme", name), "colours") for name in names]


def _highlighted(name: str, offsets: Sequence[int]) -> Content:
    """The name, never as markup, which ``Matcher.highlight`` would read; its matches underlined."""
    content = Content(name)
    for offset in offsets:
        content = content.stylize("underline", offset, offset + 1)
    return content


def _help(command: SimpleCommand) -> str:
    """The line under the name. The palette reads markup in it, so what could be some is escaped."""
    return visible(command.help_text or "").replace("[", "\\[")


class Palette(CommandPalette):
    """Closed once, and a page key pressed while the list is being filled does nothing.

    Not by a base it shares with ``screens.base.Modal``: Textual looks for styles along the first base only.
    A page key raised a KeyError in Textual 8.2.8, for a line the list had not counted yet. Its icon is a character that
    every terminal has, in a colour that is seen: the framework's is an emoji, and black.
    """

    DEFAULT_CSS = "Palette SearchIcon { color: $text-muted; }"
    _dismissed = False

    def on_mount(self) -> None:
        """Put the icon before the field."""
        for icon in self.query(SearchIcon):  # none where it was closed at once
            icon.icon = ICON

    def dismiss(self, result: object = None) -> AwaitComplete:
        """Close; nothing when it is closed already."""
        if self._dismissed or not self.is_current:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)  # type: ignore[arg-type]

    def run_worker(self, *args: Any, **options: Any) -> Worker[Any]:
        """Its search; closed during one, it looks for widgets that are gone, which ended the app."""
        return super().run_worker(*args, **{**options, "exit_on_error": False})

    def _action_command_list(self, action: str) -> None:
        with contextlib.suppress(KeyError):
            super()._action_command_list(action)


def command_palette(load: Callable[[], Sequence[SimpleCommand]]) -> Palette:
    """Everything there is; ``load``: presets and saved runs."""
    providers: list[Any] = [lambda: partial(BenchCommands, load)]
    return Palette(providers, placeholder="Search for commands...", id="--command-palette")
