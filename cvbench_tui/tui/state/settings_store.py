"""The settings while the app is open. Reading and writing the file is ``settings``'s."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cvbench_tui.errors import StoreError
from cvbench_tui.settings import Last, Settings, save


class SettingsStore:
    """Takes changes at once and writes them in a thread: no key waits for a disk."""

    def __init__(self, path: Path | None = None, settings: Settings | None = None) -> None:
        """Without a path nothing is written."""
        self.settings = settings or Settings()
        self.complain: Callable[[StoreError], object] = lambda error: None
        """Called once, from any thread, when the file cannot be written."""
        self.path = path  # the file; None when nothing is kept
        self._changes: dict[str, object] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._complained = False

    def put(self, **changes: Any) -> None:
        """These are the settings now; ``last`` is a ``Last``."""
        changed = {name: value for name, value in changes.items() if getattr(self.settings, name) != value}
        if not changed:
            return
        self.settings = replace(self.settings, **changed)
        last = changed.pop("last", None)
        with self._lock:
            self._changes.update(changed)
            if isinstance(last, Last):
                self._changes.update({f"last.{name}": value for name, value in vars(last).items()})
        threading.Thread(target=self.flush, daemon=True).start()

    def flush(self) -> None:
        """Write what is not written yet; also at exit."""
        with self._writing:
            with self._lock:
                changes, self._changes = self._changes, {}
            if not changes or self.path is None:
                return
            try:
                save(self.path, changes)
            except StoreError as error:
                if not self._complained:
                    self._complained = True
                    self.complain(error)
