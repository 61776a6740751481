"""timm's models as the worker builds them: without weights and without the network. Where timm is missing only what is
said then is tested."""

from __future__ import annotations

import os
import socket
import sys
import types
import warnings

import pytest
import torch

from cvbench_tui.catalog import timm_list
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads import timm_models
from cvbench_tui.worker.workloads.build import build_module
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.every import every

pytestmark = pytest.mark.torch
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import timm
    except ImportError:
        timm = None
needs_timm = pytest.mark.skipif(timm is None, reason="timm is not installed")


def workload(name: str, side: int) -> Workload:
    return Workload("model", f"timm:{name}", f"timm:{name}", (3, side, side))


@pytest.fixture
def _no_network(monkeypatch):
    def refuse(*_arguments, **_options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@needs_timm
@pytest.mark.usefixtures("_no_network")
@every(("name", "side"), [("test_resnet", 64), ("test_efficientnet", 64), ("test_vit", 160), ("test_vit", 96)])
def test_a_model_trains_and_infers_at_its_size_and_at_another(name, side):
    made = ModuleUnderTest(Case(workload(name, side), "cpu", 2), PROTOCOLS["default"])
    made.train()
    outputs = made.forward()
    made.prepare_gradients(outputs)
    made.backward(outputs)
    assert all(each.grad is not None for each in made.parameters)
    made.evaluate()
    with torch.inference_mode():
        assert made.forward().shape == (2, 1000)
    assert os.environ[timm_models.OFFLINE] == "1"


@needs_timm
def test_the_same_model_as_torchvisions_and_the_same_weights_twice():
    def weights(op):
        torch.manual_seed(0)
        return [each.detach() for each in build_module(Workload("model", op, op, (3, 64, 64))).parameters()]

    one, again, other = weights("timm:resnet18"), weights("timm:resnet18"), weights("resnet18")
    assert all(torch.equal(each, its) for each, its in zip(one, again, strict=True))
    assert [each.shape for each in one] == [each.shape for each in other]


@needs_timm
def test_an_unknown_model_is_refused_with_timms_version():
    with pytest.raises(UnsupportedError, match=rf"^timm {timm.__version__} has no model 'resnet18_of_tomorrow'\.$"):
        build_module(workload("resnet18_of_tomorrow", 64))


@needs_timm
def test_the_list_is_that_of_the_version_that_it_names():
    if timm.__version__ != timm_list.VERSION:
        pytest.skip(f"timm {timm.__version__} is installed, the list is of {timm_list.VERSION}")
    shapes = {name: tuple(timm.get_pretrained_cfg(name).input_size) for name in timm.list_models()}
    square = {f"timm:{name}": shape[1] for name, shape in shapes.items() if shape[0] == 3 and shape[1] == shape[2]}
    assert {entry.op: entry.image for entry in timm_list.entries()} == square


@needs_timm
@every("name", ["test_vit", "test_resnet"])
def test_figures_are_those_of_the_model(name):
    entry = next(each for each in timm_list.entries() if each.name == f"timm:{name}")
    assert sum(each.numel() for each in build_module(entry.workload).parameters()) == entry.parameters


def test_without_timm_it_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UnsupportedError, match=r"^timm is not installed here .*pip install 'cvbench-tui\[timm\]'\.$"):
        build_module(workload("resnet18", 64))


@every(
    ("package", "sentence"),
    [
        ({"__version__": "0.4.12", "create_model": print}, r"^timm 0\.4\.12 is too old, it has no is_model"),
        ({}, r"^timm of an unknown version is too old, it has no create_model"),
    ],
)
def test_a_timm_that_is_too_old_is_one_sentence(package, sentence):
    with pytest.MonkeyPatch.context() as patch:
        fake = types.ModuleType("timm")
        vars(fake).update(package)
        patch.setitem(sys.modules, "timm", fake)
        with pytest.raises(UnsupportedError, match=sentence):
            build_module(workload("resnet18", 64))


def test_a_timm_that_cannot_be_imported_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "timm.py").write_text("raise OSError('libnone.so\\nsecond line')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [each for each in sys.modules if each == "timm" or each.startswith("timm.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UnsupportedError, match=r"^timm cannot be imported \(OSError: libnone\.so\)\.$"):
        build_module(workload("resnet18", 64))
