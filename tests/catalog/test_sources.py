"""Models of every source, by the registry: found, listed, offered, repeated, and refused where they cannot be had."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import groupby

import pytest

from cvbench_tui.base.nearest import name_key
from cvbench_tui.catalog import tasks, timm_list
from cvbench_tui.catalog.duration import expected_s
from cvbench_tui.catalog.memory import expected_bytes
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.catalog.names import find_model
from cvbench_tui.catalog.presets import load_preset, preset_entries
from cvbench_tui.catalog.selection import why_not_offered
from cvbench_tui.catalog.sources import SOURCES, all_models, entry_of, source_of
from cvbench_tui.cli.list import print_models
from cvbench_tui.cli.options import complete
from cvbench_tui.core.image_sizes import cannot_take, cannot_train
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.errors import PresetError, SelectionError
from tests.every import every

TASKS = (*tasks.DETECTION, *tasks.SEGMENTATION, *tasks.VIDEO)


def hint_of(name: str) -> tuple[str, str]:
    with pytest.raises(SelectionError) as caught:
        find_model(name)
    assert caught.value.exit_code == 2
    return caught.value.message, caught.value.hint


def test_names_and_constructors_are_unique_over_all_sources(with_timm):
    models = list(all_models())
    assert len(models) > 1400
    for names in ([name_key(model.name) for model in models], [model.op for model in models]):
        assert len(set(names)) == len(names)
    assert [source.name for source in SOURCES] == ["", "detection", "segmentation", "video", "timm"]


def test_every_model_is_found_by_both_names_and_comes_from_its_source(with_timm):
    for model in all_models():
        assert find_model(model.op) is find_model(model.name) is model is entry_of(model.op)
        source = source_of(model.op)
        assert source is not None
        assert model in source.entries
    assert (source_of("tomorrow:resnet50"), entry_of("tomorrow:resnet50"), entry_of("timm:x")) == (None, None, None)


def test_timms_and_torchvisions_stand_beside_each_other(with_timm):
    one, other = find_model("resnet50"), find_model("TIMM:ResNet50")
    assert (one.name, other.name) == ("Resnet50", "timm:resnet50")
    assert one.parameters == other.parameters
    assert one.gmacs == other.gmacs
    cases = {Case(entry.workload, "cpu", 8).case_id for entry in (one, other)}
    assert len(cases) == 2


@every(
    ("typed", "near"),
    [
        ("timm:resnet5O", "timm:resnet50"),
        ("timm:vit_base_patch16", "timm:vit_base_patch16_224"),
        ("timm:resnet50.a1_in1k", "timm:resnet50"),
        ("resnet50d", "timm:resnet50d"),
        ("detection:fasterrcnn_resnet50", "detection:fasterrcnn_resnet50_fpn"),
        ("video:r3d_1", "video:r3d_18"),
    ],
)
def test_an_unknown_name_has_the_nearest_of_its_source(with_timm, typed, near):
    message, hint = hint_of(typed)
    assert message == f"Unknown model '{typed}'."
    assert near in hint.split("`")[0].replace(",", "").replace(". ", " ").split()


@every(
    ("installed", "sentence"), [(None, "timm is not installed."), ("0.6.13", "timm 0.6.13 is too old, 0.9 or newer")]
)
def test_without_a_timm_that_can_be_used_a_name_of_it_is_one_sentence(monkeypatch, installed, sentence):
    monkeypatch.setattr(timm_list, "version", lambda: installed)
    message, hint = hint_of("timm:resnet50")
    assert message.startswith(f"'timm:resnet50' cannot be measured: {sentence}")
    assert "pip install 'cvbench-tui[timm]'" in hint
    assert hint_of("timm:nothing_like_it")[0].startswith("'timm:nothing_like_it' cannot be measured")
    assert not [model for model in all_models() if model.op.startswith("timm:")]
    problems = {entry.name: entry.problem for entry in preset_entries()}
    assert sentence in problems.pop("timm-classics")
    assert set(problems.values()) == {""}
    with pytest.raises(PresetError, match="cannot be measured: timm"):
        load_preset("timm-classics")


def test_the_preset_of_timm_loads_where_it_is_installed(with_timm):
    models = load_preset("timm-classics").models
    assert len(models) == 12
    assert all(model.family.startswith("timm ") for model in models)


@every("entry", TASKS, ids=lambda entry: entry.name)
def test_a_model_of_another_task_can_be_had_as_it_stands_in_the_list(entry):
    case = Case(entry.workload, "cpu", entry.batch)
    assert cannot_take(entry.workload) == cannot_train(case) == why_not_offered(case) == ""
    assert (expected_bytes(case) or 0) > 4 * entry.parameters
    assert expected_s(Plan("p", (case,), PROTOCOLS["quick"])) > 1
    assert entry.workload.image == entry.image
    smaller = entry.workload.with_image(96)
    assert (smaller.image, smaller.input_shape[:-2]) == (96, entry.workload.input_shape[:-2])
    assert find_model(entry.op.replace("_", "-")) is entry


def test_what_a_run_file_may_name_of_the_sources(with_timm):
    timm = Case(find_model("timm:resnet50").workload, "cpu", 8)
    assert why_not_offered(timm) == ""
    for changes in (
        {"op": "timm:resnet5000"},
        {"op": "hub:resnet50"},
        {"params": (("pretrained", True),)},
        {"input_shape": (3, 16, 224, 224)},
        {"op": "detection:resnet50"},
    ):
        refused = why_not_offered(replace(timm, workload=replace(timm.workload, **changes)))
        assert refused.startswith("'timm:resnet50' is not in the catalog of this version as the run file has it")


def test_a_model_without_numbers_is_guessed_and_listed_with_dashes(monkeypatch, capsys, with_timm):
    odd = ModelEntry("timm:odd", "timm:odd", "timm odd", None, 224, None, None)
    source = source_of("timm:odd")
    monkeypatch.setitem(source.__dict__, "entries", (odd,))
    monkeypatch.setitem(source.__dict__, "by_op", {odd.op: odd})
    case = Case(odd.workload, "cpu", 8)
    assert expected_bytes(case) is None
    assert expected_s(Plan("p", (case,), PROTOCOLS["quick"])) > 1
    print_models("timm", as_json=False)
    assert " ".join(capsys.readouterr().out.split()[2:]) == "timm:odd timm:odd timm odd - - 224 px batch 8"


def test_models_are_listed_by_source_by_family_and_by_a_part_of_names(capsys, with_timm):
    def listed(name):
        print_models(name, as_json=True)
        return json.loads(capsys.readouterr().out)

    assert {row["source"] for row in listed("timm")} == {"timm"}
    assert len(listed("timm")) > 1300
    assert [row["name"] for row in listed("video")] == [entry.name for entry in tasks.VIDEO]
    assert {row["family"] for row in listed("resnet")} == {"ResNet"}
    assert len(listed("torchvision")) == len(MODELS)
    assert {"Resnet50", "timm:resnet50", "fcn_resnet50"} <= {row["name"] for row in listed("resnet50")}
    with pytest.raises(SelectionError, match="No model is of 'nothing like it'"):
        print_models("nothing like it", as_json=True)


def test_a_source_that_is_not_there_says_so_where_it_is_listed():
    with pytest.raises(SelectionError, match="timm is not installed"):
        print_models("timm", as_json=False)


def test_tab_completes_models_of_every_source(with_timm):
    models = complete("models")
    assert "timm:resnet50" in models(None, None, "timm:resnet5")
    assert models(None, None, "resnet18,video:r3") == ["resnet18,video:r3d_18"]


def test_families_of_timm_stand_together(with_timm):
    names = sorted(entry.family for entry in timm_list.entries())
    families = [family for family, _ in groupby(names)]
    assert len(families) > 80
    assert timm_list.SHIPPED.read_text().startswith(f"timm {timm_list.VERSION}\n")
    counted = [entry for entry in timm_list.entries() if entry.parameters and entry.gmacs and entry.training_mb]
    assert len(counted) > 0.9 * len(timm_list.entries())


def test_the_list_needs_neither_timm_nor_torch():
    question = (
        "import sys; from cvbench_tui.catalog import timm_list; timm_list.version = lambda: '1.0.31'; "
        "from cvbench_tui.catalog.sources import all_models; print(len(list(all_models())), "
        "[name for name in ('timm', 'torch', 'torchvision', 'huggingface_hub') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    count, _, loaded = done.stdout.partition(" ")
    assert int(count) > 1400
    assert loaded.strip() == "[]"
