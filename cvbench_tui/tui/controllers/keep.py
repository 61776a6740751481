"""Names, deletes and brings back saved runs, for their list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cvbench_tui.results.storage import labels
from cvbench_tui.results.storage.deleted import Moved, delete, undelete
from cvbench_tui.results.storage.run_index import RunSummary, seen
from cvbench_tui.results.storage.run_summary import summary_of
from cvbench_tui.tui.controllers.run_manager import RunManager


class RunKeeper:
    """Touches the files of one folder of runs. What it deleted last comes back, also when the list was closed
    meanwhile."""

    def __init__(self, folder: Path, run_manager: RunManager) -> None:
        """``run_manager``: has the run that is shown, which may be the one that is named."""
        self._folder = folder
        self._run_manager = run_manager
        self._deleted: list[tuple[Moved, ...]] = []

    def label(self, path: Path, name: str, tags: Sequence[str]) -> RunSummary:
        """Call the run so, with these tags and no others. Returns its new line. Raises CvbenchError."""
        before = seen(path)
        untag = [tag for tag in summary_of(path).tags if tag not in tags]
        event = labels.label_run(path, name=name, tags=tags, untag=untag)
        self._run_manager.labelled(before, event)
        return summary_of(path)

    def delete(self, paths: Sequence[Path]) -> int:
        """Move these to the deleted ones, up to the first that cannot be. Returns how many. Raises StoreError."""
        moved: list[Moved] = []
        try:
            for path in paths:
                moved.append(delete(path, self._folder))
        finally:
            if moved:
                self._deleted.append(tuple(moved))
        return len(moved)

    def undo(self) -> Sequence[RunSummary]:
        """Bring back what was deleted last; nothing when that is all back. Raises StoreError."""
        if not self._deleted:
            return ()
        back = [undelete(moved.now, self._folder) for moved in self._deleted[-1]]
        self._deleted.pop()
        return [summary_of(moved.now) for moved in back]
