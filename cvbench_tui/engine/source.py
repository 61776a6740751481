"""Interface of what measures a plan: a live worker, or a recorded run (`tests.replay`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.core.event import Event, LayersListed
    from cvbench_tui.core.measurement import Measurement
    from cvbench_tui.core.plan import Case, Plan
    from cvbench_tui.core.workload import Workload
    from cvbench_tui.engine.host.others import Watch


class EventSource(Protocol):
    """One thread calls ``probe`` and ``events``; the other methods may be called from any."""

    def probe(self) -> Environment:
        """The machine and its devices. Blocks until known. Raises WorkerError when no worker can be started."""

    def watch(self, plan: Plan) -> Watch:
        """What looks at other programs where that plan would be measured. The machine has been probed."""

    def events(
        self,
        plan: Plan,
        measured: Mapping[str, Measurement] | None = None,
        more: Callable[[], Iterable[Case]] = tuple,
    ) -> Iterator[Event]:
        """Measure the plan and yield what happens, everything between ``RunStarted`` and ``RunFinished``. ``measured``:
        what cases that go on have already, by id. ``more`` gives cases that were added meanwhile.

        A case that fails is a ``CaseFailed``, and the next one follows. Ends early after ``cancel``, with a
        ``CaseFailed`` of kind ``cancelled`` for the running case. May be called again after its end.
        """

    def layers(self, model: Workload, wanted: Sequence[str] = ()) -> LayersListed:
        """The distinct layers of that model, or those wanted. Blocks. Raises WorkerError."""

    def skip(self) -> None:
        """End the running case with a ``CaseFailed`` of kind ``skipped``; between two cases do nothing."""

    def cancel(self) -> None:
        """Stop measuring at once; finished cases stay."""

    def listen(self, hear: Callable[[str], None]) -> None:
        """Call ``hear`` with every line of every worker's stderr from now on, in another thread; it must not block."""

    def close(self) -> None:
        """End the worker, if any, and everything it started."""
