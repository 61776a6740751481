"""Messages to the app: facts from the background threads, which pass on nothing else, and requests of the widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from cvbench_tui.errors import CvbenchError

if TYPE_CHECKING:
    from cvbench_tui.catalog.layers import LayerEntry
    from cvbench_tui.catalog.models import ModelEntry
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.core.measurement import Phase
    from cvbench_tui.core.run import Run
    from cvbench_tui.engine.host.gauges import GaugeReading
    from cvbench_tui.engine.host.others import Others, Watch
    from cvbench_tui.results.storage.run_index import RunSummary, SeenFile
    from cvbench_tui.tui.state.compare_lines import ComparedLines
    from cvbench_tui.tui.state.compare_request import CompareRequest

Post = Callable[[Message], object]  # takes a message to the app, from any thread


@dataclass(eq=False)
class Probed(Message):
    """The worker has reported the machine's devices."""

    environment: Environment


@dataclass(eq=False)
class Failed(Message):
    """Something could not be done."""

    error: CvbenchError


class ProbeFailed(Failed):
    """No worker could be started, so the devices stay unknown."""


class RunRefused(Failed):
    """The run could not be begun, or was ended because it could not be written to its file."""


class RunMoved(Failed):
    """The run file could not be written on, and the run goes on in another one."""


@dataclass(eq=False)
class ModelsRead(Message):
    """The lists of every source of models are read."""

    entries: tuple[ModelEntry, ...]


class HistoryRead(Message):
    """Times of earlier runs are known now."""


@dataclass(eq=False)
class LayersListed(Message):
    """The distinct layers of a model are known."""

    model: ModelEntry
    layers: tuple[LayerEntry, ...]


@dataclass(eq=False)
class Looked(Message):
    """Before a run begins: what other programs use now."""

    watch: Watch  # an older one than the run manager's is of no interest any more
    others: Others


@dataclass(eq=False)
class BecameIdle(Message):
    """They have left the machine."""

    watch: Watch


@dataclass(eq=False)
class RunOpened(Message):
    """A past run, to be shown."""

    run: Run
    file: SeenFile


@dataclass(eq=False)
class ResumeOffered(Message):
    """The last run was interrupted, or rows of it failed."""

    summary: RunSummary


@dataclass(eq=False)
class Compared(Message):
    """Two sides were compared."""

    request: CompareRequest
    lines: ComparedLines
    phases: tuple[Phase, ...]  # that both have, in some row
    alike: tuple[str, ...]  # what is the same on both
    several: bool  # rows of the run differ along several axes


@dataclass(eq=False)
class NotCompared(Failed):
    """They cannot be compared."""

    request: CompareRequest


class Newest(Message):
    """Of several that wait, the newest is enough."""

    def can_replace(self, message: Message) -> bool:
        """True for another one of its kind."""
        return isinstance(message, type(self))


@dataclass(eq=False)
class RunAdvanced(Newest):
    """Something happened in the run, which is here as it is now."""

    run: Run


class Logged(Newest):
    """The log has new lines; ``RunManager.log`` has them."""


@dataclass(eq=False)
class Crashed(Message):
    """A bug in a background thread; the app raises it again, so that it is seen."""

    error: BaseException


@dataclass(eq=False)
class GaugeRead(Message):
    """A reading. ``live`` is False for one that repeats the last, because no other will come for now."""

    gauge: GaugeReading
    live: bool = True


@dataclass(eq=False)
class CopyWanted(Message):
    """This text is to go to the clipboard."""

    text: str
    what: str  # what it is, for the sentence afterwards: ``row``, ``table``, ``log``


@dataclass(eq=False)
class TrendWanted(Message):
    """The times of this row over the kept runs are to be shown."""

    run: Run
    case_id: str


@dataclass(eq=False)
class TextFound(Message):
    """What a page of lines is to show was found."""

    found: object  # or the CvbenchError that says why it was not


class ViewChanged(Message):
    """The table is sorted, grouped or shown otherwise; worth remembering."""
