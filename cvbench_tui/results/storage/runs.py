"""The folder of runs: finding a run in it by name, and listing them all.

What is in a run file is ``results.storage.run_file``'s business, its line of a list ``results.storage.run_summary``'s.
A listing comes from the index (``run_index``); what that does not know is read. One bad file is one line of it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from stat import S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG, S_ISSOCK
from typing import NamedTuple

from cvbench_tui.base.collector import no_collection
from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.storage import NEWEST, PUBLISHED, SUFFIX, run_index
from cvbench_tui.results.storage.run_index import KnownFile, RunSummary, Stamp, stamped
from cvbench_tui.results.storage.run_summary import SMALL_BYTES, quick_summary, summary_of

_COUNTED_BACK = re.compile(rf"{NEWEST}(?:~(\d{{1,9}}))?")  # ``last``, ``last~2``
MAX_NAMED = 3
MAX_NEAR = 1000  # newest names that a mistyped one is compared with: 10,000 would take 2 s
EXACT_FILES, EXACT_BYTES = 300, 8 << 20
"""So many of the small files that the index does not know are read whole, the newest: 0.3 s. The others are glanced at,
in a tenth of the time, and wait for a later listing or the history to be read."""
REFINED_FILES = 100  # of those, for each time that a run is looked for and there is nothing else to read: 0.4 s of CPU
SAVE_EVERY_S = 2.0  # so often what was read is saved, so that little is lost when reading is broken off
_OTHERS = {S_ISDIR: "a folder", S_ISFIFO: "a pipe", S_ISSOCK: "a socket", S_ISCHR: "a device", S_ISBLK: "a device"}


class Entry(NamedTuple):
    """Something in the folder that is named like a run file."""

    name: str  # with its suffix
    stamp: Stamp | None  # None for what is no file that can be read
    problem: str = ""  # why not

    @property
    def stem(self) -> str:
        """What a run is called by."""
        return self.name.removesuffix(SUFFIX)


class Listing:
    """The runs of a folder, which are read bit by bit where the index does not know them."""

    def __init__(self, folder: Path, *, check: bool = True) -> None:
        """Ask the index. Raises StoreError when the folder cannot be read.

        ``check``: where no file is new, read some of those that were only glanced at.
        """
        self._folder = folder
        with no_collection():
            known, found = run_index.load(folder, times=False), entries(folder)
        self._files: dict[str, KnownFile] = {}
        self._unreadable: list[RunSummary] = []
        unread, glanced = [], []
        for entry in found:
            before = known.get(entry.name)
            if entry.stamp is None:
                self._unreadable.append(RunSummary(entry.stem, folder / entry.name, problem=entry.problem))
            elif before is not None and before.stamp == entry.stamp:
                self._files[entry.name] = before
                if before.glanced:
                    glanced.append(entry)
            else:
                unread.append(entry)
        self._there = [*self._files, *(entry.name for entry in unread)]
        if check and not unread:
            unread = glanced[:REFINED_FILES]
        self._unread = unread[::-1]  # so that the newest is taken first
        self._exact_files, self._exact_bytes = EXACT_FILES, EXACT_BYTES  # that may still be read whole
        self._unsaved: list[str] = []
        self._saved_s = time.monotonic()

    @property
    def unread(self) -> int:
        """How many files are still to be read."""
        return len(self._unread)

    @property
    def runs(self) -> tuple[RunSummary, ...]:
        """The runs that are known, newest first, then what cannot be read, with its problem."""
        runs = [*(file.summary for file in self._files.values()), *self._unreadable]
        return tuple(sorted(runs, key=lambda run: (run.problem == "", run.started_at_s or 0.0, run.id), reverse=True))

    def read(self, seconds: float | None = None, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Read the others, the file that was written last first, for at most so long; None: all of them."""
        began_s = now_s = time.monotonic()
        try:
            while self._unread and not cancelled() and (seconds is None or now_s - began_s < seconds):
                entry = self._unread.pop()
                self._files[entry.name] = self._read(entry)
                self._unsaved.append(entry.name)
                now_s = time.monotonic()
                if now_s - self._saved_s > SAVE_EVERY_S:
                    self._save()
        finally:
            if not self._unread or seconds is None:
                self._save()

    def _read(self, entry: Entry) -> KnownFile:
        """That file, whole as long as there are few, and what is large or odd as ``summary_of`` does."""
        assert entry.stamp is not None, "it was sorted out"
        path, size = self._folder / entry.name, entry.stamp.size
        if size < SMALL_BYTES:
            self._exact_files, self._exact_bytes = self._exact_files - 1, self._exact_bytes - size
            over = self._exact_files < 0 or self._exact_bytes < 0
            if over and (summary := quick_summary(path)) is not None:
                return KnownFile(entry.stamp, summary, None, glanced=True)
        return KnownFile(entry.stamp, summary_of(path), None)

    def _save(self) -> None:
        if self._unsaved and run_index.save(self._folder, self._files, self._unsaved, there=self._there):
            self._unsaved.clear()
        self._saved_s = time.monotonic()


def list_runs(folder: Path, *, check: bool = True) -> tuple[RunSummary, ...]:
    """The runs of a folder, newest first, then the files that cannot be read, with their problem; ``check`` as in
    ``Listing``. Raises StoreError."""
    listing = Listing(folder, check=check)
    listing.read()
    return listing.runs


def run_names(folder: Path) -> list[str]:
    """What the runs of a folder are called by, the one written last first; none for a folder that cannot be read. No
    file is read."""
    try:
        return [entry.stem for entry in entries(folder) if entry.stamp is not None]
    except StoreError:
        return []


def find(reference: str, folder: Path, say: Callable[[str], object] = lambda sentence: None) -> Path:
    """The file of a run: ``last``, ``last~2``, its file's name without suffix, a path, the id inside it, the name or a
    tag that the user gave it, or a unique beginning of an id. Of several with one name or tag it is the newest, and
    ``say`` gets a sentence about it.

    An id or a name is compared only, and never becomes a path. Raises StoreError, naming the nearest or the several
    that begin so.
    """
    reference = reference.strip()
    if not reference:
        raise StoreError("No run was named.", "Give a path, an id, a name, a tag, the beginning of an id, or 'last'.")
    found = entries(folder)
    if counted := _COUNTED_BACK.fullmatch(reference):
        return _newest(folder, found, int(counted[1] or 0))
    by_stem = {entry.stem: entry for entry in found}
    if reference in by_stem:
        return _readable(folder, by_stem[reference])
    named = os.path.expanduser(reference)
    if os.path.isfile(named):
        return Path(named)
    if os.path.isdir(named):
        raise StoreError(f"{reference} is a folder, not a run file.", "Name one of its files, or use --runs-dir.")
    return _readable(folder, by_stem[_matching(reference, folder, by_stem, say)])


def _matching(reference: str, folder: Path, entries: Mapping[str, Entry], say: Callable[[str], object]) -> str:
    """The one of these whose id or name it is, or whose id begins so; of a tag the newest. Raises StoreError."""
    begin = [stem for stem in entries if stem.startswith(reference)]
    # With such a beginning, what the index knows is enough to see that an id or a name goes before it.
    known = run_index.load(folder, times=False).values() if begin else ()
    listed = [file.summary for file in known if _is_now(file, entries)] if begin else list_runs(folder)
    runs = [run for run in listed if run.name in entries and not run.problem]
    inside = [run.name for run in runs if run.id == reference]
    if len(inside) > 1:
        raise StoreError(f"{len(inside)} files hold the run '{reference}'.", f"Name one: {_some(sorted(inside))}.")
    if not inside and (called := _called(reference, runs, say)):
        return called
    matches = inside or begin or [run.name for run in runs if run.id.startswith(reference)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = sorted(matches, reverse=True)
        raise StoreError(f"{len(matches)} runs begin with '{reference}'.", f"Among them: {_some(names)}.")
    if reference.startswith(PUBLISHED):
        raise StoreError(f"'{reference}' names a published run, and there is no file of it.", "Name a run of your own.")
    labels = dict.fromkeys(label for run in runs for label in (run.label, *run.tags) if label)
    raise StoreError(f"There is no run '{reference}' in {folder}.", _hint(reference, list(entries), list(labels)))


def _is_now(file: KnownFile, entries: Mapping[str, Entry]) -> bool:
    """True for what the index says of a file as it is now."""
    return file.summary.name in entries and entries[file.summary.name].stamp == file.stamp


def _called(reference: str, runs: Iterable[RunSummary], say: Callable[[str], object]) -> str:
    """The newest run of that name, else with that tag, in capitals or not; empty for none. ``say`` that there are
    several."""
    key = reference.casefold()
    newest = sorted(runs, key=lambda run: (run.started_at_s or 0.0, run.id), reverse=True)
    named = [run for run in newest if run.label.casefold() == key]
    tagged = [run for run in newest if key in map(str.casefold, run.tags)]
    called = named or tagged
    if len(called) > 1:
        what = "are called" if named else "have the tag"
        say(f"{len(called)} runs {what} {quoted(reference)}; this is the newest, {called[0].name}.")
    return called[0].name if called else ""


def entries(folder: Path) -> list[Entry]:
    """What is named like a run file, what was written last first, then what cannot be read; nothing for a folder that
    does not exist. Raises StoreError when it cannot be read."""
    try:
        with os.scandir(folder) as scanned:
            found = [_entry(each) for each in scanned if each.name.endswith(SUFFIX) and each.name != SUFFIX]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"Cannot read the runs folder {folder}: {os_reason(error)}.") from error
    return sorted(
        (each for each in found if each is not None),
        key=lambda each: (each.stamp is not None, each.stamp.changed_ns if each.stamp else 0, each.name),
        reverse=True,
    )


def _entry(each: os.DirEntry[str]) -> Entry | None:
    """None for what went away meanwhile."""
    try:
        status = each.stat()
    except OSError as error:
        there = os.path.lexists(each.path)
        return Entry(each.name, None, f"Cannot read {each.path}: {os_reason(error)}.") if there else None
    if not S_ISREG(status.st_mode):
        what = next((noun for is_one, noun in _OTHERS.items() if is_one(status.st_mode)), "no file")
        return Entry(each.name, None, f"{each.path} is {what}, not a run file.")
    if not os.access(each.path, os.R_OK):
        return Entry(each.name, None, f"Cannot read {each.path}: Permission denied.")
    return Entry(each.name, stamped(status))


def _readable(folder: Path, entry: Entry) -> Path:
    """Its file. Raises StoreError for what is none."""
    if entry.stamp is None:
        raise StoreError(entry.problem, "It is listed by: cvbench-tui list runs")
    return folder / entry.name


def _newest(folder: Path, found: Sequence[Entry], back: int) -> Path:
    """The file that was written last, of those that can be read, or the one so many before it: a clock that was set
    wrong once would make its run the last for ever. Raises StoreError when there is none."""
    known = run_index.load(folder, times=False)
    readable = 0
    for entry in (entry for entry in found if entry.stamp is not None):
        before = known.get(entry.name)
        known_here = before is not None and before.stamp == entry.stamp and not before.glanced
        summary = before.summary if before is not None and known_here else summary_of(folder / entry.name)
        if not summary.problem:
            readable += 1
            if readable > back:
                return folder / entry.name
    if readable:
        oldest = f"{NEWEST}~{readable - 1}" if readable > 1 else NEWEST
        raise StoreError(f"There is no run {NEWEST}~{back} in {folder}.", f"The oldest one is {oldest}.")
    raise StoreError(f"There is no run in {folder}.", "Measure something first: cvbench-tui run quick")


def _hint(reference: str, names: Sequence[str], labels: Sequence[str]) -> str:
    newest = f"The newest are {_some(names)}." if names else "Measure something first: cvbench-tui run quick"
    return nearest(reference, [*labels, *names][:MAX_NEAR], MAX_NAMED, 0.5) or newest


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (", ..." if len(names) > MAX_NAMED else "")
