"""A case out of a run file is measured only where a selection could have made it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import MAX_BATCH, MAX_IMAGE, why_not_offered
from cvbench_tui.core.plan import Case, expand
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.storage.run_file import load
from tests.every import every

DATA = Path(__file__).parent.parent / "data"
RESNET, CONV, DENSE = find_model("resnet18").workload, find_layer("Conv3x3/1").workload, find_layer("Dense").workload
GOOD = Case(RESNET, "cpu", 8)


@every("image", [None, 1, 32, MAX_IMAGE])
def test_all_that_can_be_ticked_is_offered(image):
    entries = [(entry.workload, MAX_BATCH) for entry in (*MODELS, *LAYERS)]
    cases = expand(entries, ["cpu", "cuda:0", "mps", "xpu:12"], images=(image,) if image else ())
    assert len(cases) >= 4 * len(entries)
    assert [why_not_offered(case) for case in cases] == [""] * len(cases)


@every("name", ["good.jsonl", "graded.jsonl"])
def test_files_of_earlier_versions_can_be_repeated(name):
    cases = load(DATA / name).plan.cases
    assert len(cases) >= 6
    assert [why_not_offered(case) for case in cases] == [""] * len(cases)


def test_another_name_is_the_same_work():
    assert why_not_offered(replace(GOOD, workload=replace(RESNET, name="ResNet-18"))) == ""


def other(workload: Workload = RESNET, **changes: object) -> Case:
    return replace(GOOD, workload=replace(workload, **changes))


@every(
    "case",
    [
        other(params=(("weights", "DEFAULT"),)),
        other(params=(("weights_backbone", "DEFAULT"), ("weights", None))),
        other(op="deeplabv3_resnet50"),
        other(op="fasterrcnn_resnet50_fpn"),
        other(op="raft_large"),
        other(op="__class__"),
        other(input_shape=(3, 224, 225)),
        other(input_shape=(3, 100_000, 100_000)),
        other(kind="layer"),
        other(CONV, op="lazy_conv2d"),
        other(CONV, op="selftest_spin", params=(("seconds", 3600.0),)),
        other(CONV, params=(*CONV.params, ("device", "cuda:0"))),
        other(CONV, params=tuple((name, 1 << 30 if name == "out_channels" else value) for name, value in CONV.params)),
        other(DENSE, input_shape=(1 << 30,)),
        replace(GOOD, batch=MAX_BATCH + 1),
        GOOD.varied(threads=str(1 << 15)),
        replace(GOOD, device="meta"),
        replace(GOOD, device="cuda:0\x1b[2J"),
    ],
)
def test_whatever_a_selection_cannot_make_is_refused_in_one_sentence(case):
    sentence = why_not_offered(case)
    assert sentence.endswith("measured.")
    assert sentence.isprintable()
    assert len(sentence) < 200
