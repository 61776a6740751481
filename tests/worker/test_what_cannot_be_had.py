"""Rows of which a pass or everything cannot be had, measured by the real worker: what can be had is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.event import CaseFailed
from cvbench_tui.core.measurement import Failure, Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.worker.process import job
from tests.worker.test_process import Kept

pytestmark = pytest.mark.torch

SHORT = Protocol("short", visits=1, max_visits=1, min_rounds=2, max_rounds=2, round_s=0.01, warmup_cap_s=0.05,
                 budget_s=0.2)  # fmt: skip
ALONE = Case(find_layer("BatchNorm").workload.with_image(1), "cpu", 1)
SMALL = Case(find_model("mobilenet_v3_small").workload.with_image(32), "cpu", 1)
IN_PAIRS = replace(SMALL, batch=2)
TOO_SMALL = Case(find_model("alexnet").workload.with_image(32), "cpu", 1)
INDIVISIBLE = Case(find_model("vit_b_32").workload.with_image(225), "cpu", 1)


def outcomes(protocol, *cases):
    """The run of these cases by a worker of its own, and their outcomes in order."""
    source = LiveSource(cpu_only=True)
    try:
        *_, (_, run) = Session(source, Plan("p", cases, protocol)).run(Kept())
    finally:
        source.close()
    return run, [run.outcomes[case.case_id] for case in cases]


def test_inference_is_measured_where_training_cannot_be_had():
    run, (alone, small, pairs, too_small, indivisible) = outcomes(SHORT, ALONE, SMALL, IN_PAIRS, TOO_SMALL, INDIVISIBLE)
    for measurement, sentence in ((alone, "batch 2 or more at 1 px"), (small, "batch 2 or more at 32 px")):
        assert isinstance(measurement, Measurement)
        assert [phase.phase for phase in measurement.phases] == ["inference"]
        (notice,) = [each for each in measurement.notices if each.code == "no_training"]
        assert sentence in notice.sentence
        assert notice.sentence.endswith("Inference is measured.")
        assert not any(each.code.endswith("_failed") for each in measurement.notices), "memory and work have it too"
        assert [work.phase for work in measurement.work] == ["inference"]
        assert measurement.first_call_s > 0
    assert isinstance(pairs, Measurement)
    assert len(pairs.phases) == 4
    assert any(note.code == "no_training" for note in row_data(run, SMALL).row_notes)

    for failure, sizes in ((too_small, "63 px or more"), (indivisible, "224 and 256 are nearest")):
        assert isinstance(failure, Failure)
        assert failure.kind == "unsupported"
        assert sizes in failure.sentence


def test_so_it_is_by_the_published_loop_and_beside_it():
    published = replace(PROTOCOLS["original"], iterations=5, iterations_cpu=5, clean=SHORT)
    _, (alone,) = outcomes(published, ALONE)
    assert isinstance(alone, Measurement)
    assert [phase.phase for phase in alone.phases] == ["inference"]
    assert alone.clean is not None
    assert [phase.phase for phase in alone.clean.phases] == ["inference"]


def test_training_alone_is_refused_with_what_it_needs():
    sent = []

    class Channel:
        send = staticmethod(sent.append)

    job.Job(ALONE, replace(SHORT, passes=("training",)), 0, Channel()).run()
    (failed,) = [event for event in sent if isinstance(event, CaseFailed)]
    assert failed.failure.kind == "unsupported"
    assert failed.failure.sentence.startswith("Training needs batch 2 or more at 1 px")


@pytest.mark.parametrize(
    ("case", "remedy"),
    [
        (replace(SMALL, batch=8), "try a smaller batch."),
        (SMALL, "try a smaller image, or another device."),
        (Case(find_layer("Dense").workload, "cpu", 1), "try another device."),
    ],
)
def test_what_to_do_without_memory_can_be_done(case, remedy):
    from dataclasses import asdict

    sent = []

    class Channel:
        send = staticmethod(sent.append)

    job.report_crash(Channel(), {"case_id": "a", "case": asdict(case)}, "out_of_memory", "It was killed")
    assert sent[0].failure.sentence == f"It was killed; {remedy}"
    told = job.failure_from(case, RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert told.kind == "out_of_memory"
    assert told.sentence.endswith(f"; {remedy}")
