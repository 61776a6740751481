"""What widgets ask of the app. Facts come from the background (``messages``), requests from below."""

from __future__ import annotations

from textual.message import Message


class CopyWanted(Message):
    """This text is to go to the clipboard."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__()
        self.text = text
        self.what = what
        """What it is, for the sentence afterwards: ``row``, ``table``, ``log``."""


class RunWanted(Message):
    """The user clicked where it says to press the key that runs."""


class ViewChanged(Message):
    """The table is sorted, grouped or shown otherwise; worth remembering."""
