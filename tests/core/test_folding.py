"""Many events folded at once are what they are one after the other, and no run that was seen ever changes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cvbench_tui.core.event import Event
from cvbench_tui.core.run import Folding, Run, fold, with_better
from tests.results.test_row_counts import STARTED, events


def copied(run: Run) -> tuple[object, ...]:
    return run.plan, dict(run.outcomes), dict(run.earlier), run.ended, run.running, run.progress


@settings(deadline=None, max_examples=200)
@given(st.lists(events, max_size=14))
def test_folding_many_is_folding_one_by_one_and_leaves_what_was_seen(found: list[Event]) -> None:
    run = fold(None, STARTED)
    seen = [(run, copied(run))]
    folding = Folding()
    folding.add(STARTED)
    watched = Folding(run)  # asked for its run after each event
    for event in found:
        run = fold(run, event)
        seen.append((run, copied(run)))
        folding.add(event)
        watched.add(event)
        assert watched.run == run
        assert watched.rows == len(run.plan.cases)
        seen.append((watched.run, copied(watched.run)))
    assert folding.rows == len(run.plan.cases)
    assert folding.run == run
    settled = with_better(run)
    folding.settle()
    assert folding.run == settled
    assert all(copied(each) == before for each, before in seen)
