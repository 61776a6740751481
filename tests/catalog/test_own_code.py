"""A user's own code is named, read and never run; what is no such code is one sentence with the nearest right one."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from cvbench_tui.catalog.model_layers import layer_entry
from cvbench_tui.catalog.names import find_model
from cvbench_tui.catalog.own_code import looks_like_code, own_model
from cvbench_tui.catalog.presets import load_preset, save_preset
from cvbench_tui.catalog.selection import MAX_IMAGE, Selection, why_not_offered
from cvbench_tui.core.event import ModelLayer
from cvbench_tui.core.plan import Case
from cvbench_tui.errors import PresetError, SelectionError
from tests.every import every

CODE = """
raise SystemExit("it was run")
from elsewhere import imported as renamed
def make(depth=3, *, width=1): pass
def _private(): pass
def big(depth, *, width): pass
class Net: pass
if True:
    inside = lambda: None
first = second = make
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(CODE)
    (tmp_path / "broken.py").write_text("def make(:\n")
    (tmp_path / "binary.py").write_bytes(b"\0\xff")
    (tmp_path / "deep.py").write_text("(" * 5000)
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "star.py").write_text("from elsewhere import *")
    (tmp_path / "own package.py").write_text("def make(): pass")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text(CODE)
    (tmp_path / "package" / "nets.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@every("text", ["net.py:make", "./net.py:Net", "net.py:inside", "net.py:second", "net.py:renamed", "star.py:whatever",
                "own package.py:make", "package.nets:make", "package:make", "net:make"])  # fmt: skip
def test_code_is_named_without_being_run(folder, text):
    entry = own_model(text)
    assert entry.family == "Own"
    assert entry.workload.image == 224
    assert len(dict(entry.params)["sha256"]) == 64
    assert entry.op.startswith("file:/" if ".py" in text else "module:")


def test_a_path_is_the_whole_one(folder, monkeypatch):
    entry = own_model("./net.py:make")
    assert entry.op == f"file:{folder}/net.py:make"
    assert entry.name == "net.py:make"
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", str(folder))
    assert own_model("~/net.py:make") == entry


def test_two_files_of_one_name_are_told_apart(folder):
    entries = []
    for name in ("a/x", "b/x", "b/y"):
        (folder / name).mkdir(parents=True)
        (folder / name / "net.py").write_text(CODE)
        entries.append(own_model(f"{name}/net.py:make", entries))
    assert [entry.name for entry in entries] == ["net.py:make", "x/net.py:make", "y/net.py:make"]
    assert own_model("a/x/net.py:make", entries).name == "net.py:make"


WRONG = {
    "net.py:mke": ("has no 'mke' at its top level", "make"),
    "net.py:_nothing": ("has no '_nothing'", "net.py:make"),
    "net.py:": ("without a function", "net.py:make"),
    "net.py": ("without a function", "net.py:make"),
    "net.py:big": ("wants arguments: depth, width", "defaults"),
    "nte.py:make": ("There is no file 'nte.py'", "Nearest: net.py"),
    "broken.py:make": ("is not Python: ", "Nothing of it was run"),
    "binary.py:make": ("is not Python", "Nothing of it was run"),
    "deep.py:make": ("is not Python", "Nothing of it was run"),
    "empty.py:make": ("has no 'make'", ""),
    "C:\\nets\\net.py:make": ("There is no file", "Nearest: net.py"),
    "a\0b.py:make": ("b.py", ""),
    "\x1b[2J.py:make": ("There is no file '\\x1b[2J.py'", ""),
    f"{'x' * 5000}.py:make": ("...'", ""),
    "~nobody-there/net.py:make": ("There is no file", ""),
    "package.nests:make": ("There is no module 'package.nests'", ""),
    "package.nets.more:make": ("There is no module", ""),
    "package.nets:mak": ("has no 'mak'", "make"),
    "no code at all": ("names no code", "./net.py:make"),
}


@every("text", WRONG)
def test_what_is_no_such_code_is_one_sentence(folder, text):
    words, hint = WRONG[text]
    with pytest.raises(SelectionError) as caught:
        own_model(text)
    assert words in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.message.endswith(".")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


def test_a_folder_a_pipe_and_a_file_that_may_not_be_read_are_refused(folder):
    os.mkfifo(folder / "pipe.py")
    for name in ("pipe.py", "folder.py"):
        with pytest.raises(SelectionError, match="There is no file"):
            own_model(f"{name}:make")


@every("text", ["resnet50", "resnet50:layer1", "./preset.toml", "Conv3x3/1"])
def test_names_are_no_files(text):
    assert looks_like_code(text) is (text == "resnet50:layer1")


def test_a_run_file_cannot_have_code_run(folder):
    entry = own_model("net.py:make")
    case = Case(entry.workload, "cpu", 8)
    assert "which runs only where you name it" in why_not_offered(case)
    assert why_not_offered(case, [entry]) == ""
    assert why_not_offered(replace(case, workload=entry.workload.with_image(64)), [entry]) == ""
    other = replace(entry, params=(("sha256", "0" * 64),))
    assert "has changed since" in why_not_offered(Case(other.workload, "cpu", 8), [entry])
    elsewhere = replace(entry, op="file:/tmp/net.py:make")
    assert "which runs only" in why_not_offered(Case(elsewhere.workload, "cpu", 8), [entry])
    module = own_model("package.nets:make")
    moved = replace(module, params=(("folder", "/elsewhere"), *module.params[1:]))
    assert why_not_offered(Case(module.workload, "cpu", 8), [module]) == ""
    assert "which runs only" in why_not_offered(Case(moved.workload, "cpu", 8), [module])


def layer_case(entry=None, **params) -> Case:
    entry = entry or find_model("resnet18")
    layer = ModelLayer("layer1.0.conv1", "Conv2d", "64, 64", (64, 56, 56), 1, 1, "layer1.0.conv1", 4, 0.25)
    work = layer_entry(entry, layer, 24, 224).workload
    return Case(replace(work, params=tuple(sorted((dict(work.params) | params).items()))), "cpu", 8)


def test_a_layer_of_a_known_model_is_offered_and_one_of_code_where_it_is_named(folder):
    assert why_not_offered(layer_case()) == ""
    entry = own_model("net.py:make")
    assert "which runs only" in why_not_offered(layer_case(entry=entry))
    assert why_not_offered(layer_case(entry=entry), [entry]) == ""


@every(
    "params",
    [
        {"model": "resnet51"}, {"model": "file:/tmp/x.py:make"}, {"image": MAX_IMAGE + 1}, {"image": 0},
        {"image": "224"}, {"weights": "DEFAULT"}, {"layer": "a\x1b[2J"}, {"layer": "x" * 300}, {"layer": ""},
        {"count": 10**9}, {"share": -1.0}, {"folder": "/tmp"}, {"sha256": "0"}, {"like": 3},
    ],
)  # fmt: skip
def test_whatever_else_a_run_file_says_of_a_layer_is_refused(params):
    sentence = why_not_offered(layer_case(**params))
    assert sentence.endswith("measured.")
    assert sentence.isprintable()


def test_a_preset_names_no_code_and_no_layer_of_a_model(folder):
    (folder / "own.toml").write_text('models = ["net.py:make"]')
    with pytest.raises(PresetError, match="cannot name code"):
        load_preset("./own.toml")
    (folder / "layer.toml").write_text('layers = ["resnet50:layer1.0.conv1"]')
    with pytest.raises(PresetError, match="cannot name a layer of a model"):
        load_preset("./layer.toml")
    with pytest.raises(PresetError, match=r"cannot name 'net\.py:make'"):
        save_preset("mine", Selection("mine", (own_model("net.py:make"),), (), None))
