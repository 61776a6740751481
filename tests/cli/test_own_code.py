"""Code of one's own and layers of a model on the command line, measured by a real worker."""

from __future__ import annotations

import json
import sys

import pytest

from cvbench_tui.cli import main as cli
from cvbench_tui.results.stats.layer_sums import belongs
from cvbench_tui.results.storage.run_file import load

pytestmark = pytest.mark.torch

NET = """
from torch import nn
print("printed")
def make(): return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1))
"""


@pytest.fixture
def type_(monkeypatch, capsys, tmp_path):
    """Type a command; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CVBENCH_RUNS_DIR", str(tmp_path / "runs"))

    def run(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["cvbench-tui", *arguments])
        code = cli._exit_code()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    ("arguments", "words", "hint"),
    [
        (("run", "-m", "./nte.py:make"), "There is no file './nte.py'.", "Nearest: net.py."),
        (("run", "-m", "./net.py:mak"), "'./net.py' has no 'mak' at its top level.", "Nearest: make."),
        (("run", "-m", "resnet18:layer1"), "There is no module 'resnet18'.", "-l resnet18:layer1"),
        (("run", "-m", "tim:resnet50"), "There is no module 'tim'.", "Nearest: timm."),
        (("run", "-l", "resnet18:"), "'resnet18:' names no layer.", "resnet18:all"),
        (("run", "-l", "resnt18:conv1"), "Unknown model 'resnt18'.", "Nearest: resnet18"),
        (("run", "./net.py:make"), "There is no preset file net.py:make.", "-m ./net.py:make measures it."),
        (("resume", "-m", "./net.py:mak"), "has no 'mak'", "Nearest: make."),
        (("list", "layers", "resnet19"), "Unknown model 'resnet19'.", "Nearest: resnet18"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_is_started(type_, tmp_path, arguments, words, hint):
    (tmp_path / "net.py").write_text("raise SystemExit('it was run')\ndef make(): pass\n")
    code, out, err = type_(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert hint in err


@pytest.mark.slow
def test_a_file_and_its_layers_are_measured_summed_saved_and_resumed_only_by_name(type_, tmp_path):
    net = tmp_path / "net.py"
    net.write_text(NET)
    options = ("-d", "cpu", "-b", "1", "--image", "8", "--protocol", "quick", "-q")
    code, out, err = type_(
        "run", "-m", "./net.py:make", "-l", "net.py:make:all", *options, "-o", "out.md", "-o", "out.json"
    )
    assert code == 0, err
    joined = " ".join((tmp_path / "out.md").read_text().split())
    assert f"-m {net}:make" in joined.replace("\\ ", "")
    exported = json.loads((tmp_path / "out.json").read_text())
    names = [result["case"]["name"] for result in exported["results"]]
    assert names == ["net.py:make", "net.py:make:0 @8", "net.py:make:1 @8", "net.py:make:2 @8"]
    (path,) = (tmp_path / "runs").glob("*.jsonl")
    model, *layers = load(path).plan.cases
    assert [belongs(layer, model) for layer in layers] == [True] * 3, "their sum is laid beside the model"
    lines = path.read_text().splitlines()
    path.write_text(lines[0] + "\n")  # nothing of it was measured, as far as the file says

    code, out, err = type_("resume", str(path), "-q")
    assert code == 1
    assert "which runs only where you name it with -m" in " ".join(out.split())
    path.write_text(lines[0] + "\n")
    net.write_text(NET + "# changed\n")
    code, out, err = type_("resume", str(path), "-q", "-m", "./net.py:make")
    assert code == 1
    assert "has changed since this row was made" in " ".join(out.split())
    net.write_text(NET)
    path.write_text(lines[0] + "\n")
    code, out, err = type_("resume", str(path), "-q", "-m", "./net.py:make")
    assert code == 0, err
    assert len(load(path).measured) == 4


@pytest.mark.slow
def test_layers_of_a_model_are_listed_and_a_wrong_one_named(type_):
    code, out, _ = type_("list", "layers", "resnet18")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "layers of Resnet18 (24)"
    assert [*lines[5].split()][:4] == ["resnet18:layer1.0.conv1", "64x56x56", "4x", "25.4%"]
    code, out, _ = type_("list", "layers", "resnet18", "--json")
    assert json.loads(out)[4]["count"] == 4
    code, out, err = type_("run", "-l", "resnet18:layer3.0.conv7", "-d", "cpu")
    assert (code, out) == (2, "")
    assert "'Resnet18' has no layer 'layer3.0.conv7'." in err
    assert "Nearest: layer3.0.conv2" in err
