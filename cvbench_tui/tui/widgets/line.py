"""A text that is drawn when it is a new one, and whose click runs an action."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static


class Line(Static):
    """One text; never markup."""

    def __init__(self, action: str = "", *, id: str) -> None:  # noqa: A002
        """``action`` of the app is run by a click; none: nothing is."""
        super().__init__(id=id, markup=False)
        self._action = action
        self._drawn = ""

    def put(self, content: Content, *, layout: bool = False) -> None:
        """Draw it if it is new. ``layout``: the line is as wide as its text, so a new one moves its neighbours."""
        if content.markup != self._drawn:
            self._drawn = content.markup
            self.update(content, layout=layout)

    async def on_click(self, event: events.Click) -> None:
        """Run the action."""
        if self._action:
            event.stop()
            await self.app.run_action(self._action)
