"""Where a run without the app shows and writes its results. Each of them fails alone: a reader that goes away, a full
disk or a lost terminal costs neither the measurement nor the others.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from cvbench_tui.base.choices import LAYOUTS, Layout
from cvbench_tui.base.escape import visible
from cvbench_tui.cli.surroundings import give_up
from cvbench_tui.core.event import Event
from cvbench_tui.core.run import Run
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.registry import check_writable, write_output
from cvbench_tui.results.table.view import View
from cvbench_tui.wire import encode


@dataclass
class Outputs:
    """Files and streams that a run's results go to."""

    files: Sequence[str] = ()
    layout: Layout | None = None  # of markdown; None: short in files, a table of the terminal's width on a terminal
    quiet: bool = False
    json_lines: bool = False  # print events instead of the table
    plain: bool = False  # print lines and sentences only, for screen readers
    view: View = field(default_factory=View)
    failed: list[str] = field(default_factory=list)  # sentences about what could not be written
    stdout_gone: bool = False  # nothing can be printed any more

    def check(self) -> None:
        """Raise StoreError for a file that cannot be written."""
        for file in self.files:
            check_writable(Path(file))

    def event(self, event: Event) -> None:
        """Print it as a JSON line, where that is wanted, as long as somebody reads."""
        if self.json_lines and not self.stdout_gone:
            with self._stdout("The events"):
                sys.stdout.write(encode(event) + "\n")
                sys.stdout.flush()

    def write(self, run: Run) -> None:
        """Write every file, and name it on stderr."""
        for file in self.files:
            try:
                write_output(run, Path(file), layout=self.layout or LAYOUTS[0], view=self.view)
            except StoreError as error:
                self._say_failed(error.message)
            else:
                if not self.quiet:
                    print(visible(f"saved {file}"), file=sys.stderr)  # noqa: T201

    def finish(self, run: Run) -> None:
        """Write every file and print the table."""
        self.write(run)
        if not self.json_lines and not self.stdout_gone:
            with self._stdout("The table"):
                print_run(run, self.layout, plain=self.plain, view=self.view)
                sys.stdout.flush()

    @contextmanager
    def _stdout(self, what: str) -> Iterator[None]:
        """Of writing to stdout: where that fails, nothing more is written there. A reader that has gone away wanted no
        more."""
        try:
            yield
        except OSError as error:
            self.stdout_gone = True
            give_up(sys.stdout)
            if error.errno != errno.EPIPE:
                self._say_failed(f"{what} cannot be printed: {os_reason(error)}.")

    def _say_failed(self, sentence: str) -> None:
        self.failed.append(sentence)
        print(visible(f"cvbench-tui: {sentence}"), file=sys.stderr)  # noqa: T201


def print_run(run: Run, layout: Layout | None, *, plain: bool = False, view: View | None = None) -> None:
    """Print the run on stdout: as sentences, as a table of the terminal's width, or as markdown."""
    if plain:
        sys.stdout.write(sentences(run, view))
    elif layout is None and sys.stdout.isatty():
        from cvbench_tui.cli.progress import print_table

        print_table(run, view)
    else:
        sys.stdout.write(render(run, layout or LAYOUTS[0], view))


class Unfailing:
    """A stream that takes everything, also when its reader has gone or its disk is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it, if that can be done."""
        try:
            self._stream.write(text)
        except (OSError, ValueError):
            give_up(self._stream)
        return len(text)

    def flush(self) -> None:
        """Flush it, if that can be done."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            give_up(self._stream)

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's."""
        return getattr(self._stream, name)


@contextmanager
def unfailing_stderr() -> Iterator[None]:
    """Progress and sentences end nothing meanwhile, whatever becomes of the terminal or the pipe behind stderr."""
    before, sys.stderr = sys.stderr, Unfailing(sys.stderr)
    try:
        yield
    finally:
        sys.stderr = before
