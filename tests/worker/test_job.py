"""What surrounds the stopwatch in the process of one case."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest
import torch

from cvbench_tui.catalog.names import find_layer
from cvbench_tui.core.event import CaseFailed, CaseFinished
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker import job
from cvbench_tui.worker.stopwatch import PassResult

pytestmark = pytest.mark.torch


class Sent(list):
    """A channel that keeps what is sent."""

    send = list.append


@pytest.fixture
def _as_before():
    threads = torch.get_num_threads()
    yield
    gc.enable()
    gc.unfreeze()
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("_as_before")
def test_while_it_is_timed_the_collector_is_off_and_the_threads_are_the_cases(monkeypatch):
    seen = []

    class Watch:
        def __init__(self, *_args) -> None:
            pass

        def run(self) -> PassResult:
            seen.append((gc.isenabled(), gc.get_freeze_count() > 0, torch.get_num_threads()))
            return PassResult([], 0.0, None)

    monkeypatch.setattr(job, "Stopwatch", Watch)
    case = Case(find_layer("Dense").workload, "cpu", 1, threads=1)
    sent = Sent()
    job.Job(case, PROTOCOLS["quick"], 0, sent).run()
    assert seen == [(False, True, 1)] * 2
    (finished,) = [event for event in sent if isinstance(event, CaseFinished)]
    assert finished.measurement.threads == 1


def test_a_case_that_cannot_be_built_is_its_failure_and_nothing_is_raised():
    case = replace(Case(find_layer("Dense").workload, "cpu", 1), precision="float8")
    sent = Sent()
    job.Job(case, PROTOCOLS["quick"], 0, sent).run()
    (failed,) = [event for event in sent if isinstance(event, CaseFailed)]
    assert failed.failure.kind == "unsupported"
