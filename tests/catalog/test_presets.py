from __future__ import annotations

import os
from dataclasses import replace

import pytest

from cvbench_tui.catalog.axes import BATCHES, IMAGES
from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.presets import load_preset, preset_entries, preset_names, shipped_folder
from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.core.axes import unsupported
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.row_names import title
from cvbench_tui.errors import PresetError, SelectionError
from tests.every import every


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "mine.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def refusal(reference):
    with pytest.raises((PresetError, SelectionError)) as caught:
        load_preset(reference)
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2
    return caught.value


def names(entries):
    return [entry.name for entry in entries]


def test_all_shipped_presets_are_there_and_load(with_timm):
    shipped = preset_names()
    assert shipped[0] == "quick"
    assert set(shipped) == {
        "quick", "original-models", "original-layers", "original-cpu", "torchvision-all", "modern-layers", "resnets",
        "edge", "precision-ladder", "channels-last", "compile", "batch-sweep", "image-sweep", "threads",
        "optimizer-step", "inference-latency", "timm-classics", "verdict", "verdict-cpu",
    }  # fmt: skip
    for name in shipped:
        selection = load_preset(name)
        assert selection.name == name
        assert selection.models + selection.layers
        assert {entry.name: entry.description for entry in preset_entries()}[name]


def test_what_the_shipped_presets_hold():
    assert names(load_preset("original-models").models) == names(MODELS[:9])
    assert load_preset("original-models").batches == ()
    assert names(load_preset("original-layers").layers) == names(LAYERS[:8])
    assert load_preset("original-layers").batches == (1,)
    assert names(load_preset("original-cpu").models) == ["VGG16", "VGG16 BN", "VGG19", "VGG19 BN"]
    assert load_preset("original-cpu").devices == ("cpu",)
    assert load_preset("torchvision-all").models == MODELS
    assert load_preset("modern-layers").layers == LAYERS[8:]
    assert load_preset("edge").batches == (1,)
    quick = load_preset("quick")
    assert (len(quick.models + quick.layers), quick.protocol, quick.devices) == (3, "quick", None)


NVIDIA = Environment((), (Device("cpu", "Example CPU"), Device("cuda:0", "Example GPU", 80 * 2**30)))


@every(
    ("name", "rows", "without"),
    [
        # rows on a CPU, and those of them that it cannot do
        ("precision-ladder", 18, 3),
        ("channels-last", 16, 0),
        ("compile", 9, 0),
        ("batch-sweep", 18, 0),
        ("image-sweep", 16, 0),
        ("threads", 10, 0),
        ("optimizer-step", 8, 0),
        ("inference-latency", 20, 10),
    ],
)
def test_a_preset_of_an_axis_is_a_plan_whose_impossible_rows_have_a_reason(name, rows, without):
    machine = replace(NVIDIA, facts=(("usable_cores", 16),))
    selection = load_preset(name)
    plan = to_plan(replace(selection, devices=("cpu",)), machine)
    assert len(plan.cases) == rows
    assert [bool(unsupported(case)) for case in plan.cases].count(True) == without
    assert len({(title(case), case.finds_batch, case.batch, case.image) for case in plan.cases}) == rows, (
        "no two share a name"
    )
    if selection.devices is None:
        assert not any(map(unsupported, to_plan(selection, machine).cases)), "a card can do them all"


def test_a_preset_of_the_step_measures_it_and_one_of_latency_no_training():
    assert to_plan(load_preset("optimizer-step"), NVIDIA).protocol.passes == ("training", "step")
    assert to_plan(load_preset("inference-latency"), NVIDIA).protocol.passes == ("inference",)
    assert to_plan(load_preset("threads"), NVIDIA).devices == {"cpu"}


def test_a_shipped_name_is_taken_in_any_writing():
    assert load_preset(" Original CPU ").name == "original-cpu"


def test_a_users_file_is_the_same_format(write):
    path = write(
        'description = "x"\nmodels = ["resnet18", "Resnet18", "vgg16 bn"]\nlayers = ["dense"]\n'
        'devices = ["CUDA", "cpu"]\nbatch = 2\nimage = 64\nprotocol = "rigorous"\n'
    )
    selection = load_preset(path)
    assert selection.name == "mine"
    assert names(selection.models) == ["Resnet18", "VGG16 BN"]
    assert names(selection.layers) == ["Dense"]
    assert (selection.devices, selection.batches, selection.images) == (("cuda:0", "cpu"), (2,), (64,))
    assert selection.protocol == "rigorous"


def test_a_users_file_has_axes_as_lists_or_single_values(write):
    path = write(
        'models = ["vgg16"]\nbatch = [8, "max", 8]\nprecision = ["bf16", "fp32", "bf16"]\nthreads = [4, "half", "4"]\n'
        'compile = "default"\nphases = ["inference", "step"]'
    )
    selection = load_preset(path)
    assert selection.batches == (8, "max")
    axes = dict(selection.settings)
    assert axes == {"precision": ("bf16", "fp32"), "compile": ("default",), "threads": ("4", "half")}
    assert selection.phases == ("inference", "step")


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(write):
    assert names(load_preset(write(b'\xef\xbb\xbfmodels = ["vgg16"]\r\nbatch = 1\r\n')).models) == ["VGG16"]


def test_a_file_in_the_current_folder_needs_no_slash(write, tmp_path, monkeypatch):
    write('models = ["vgg16"]')
    monkeypatch.chdir(tmp_path)
    assert load_preset("mine.toml").name == "mine"
    (tmp_path / "plain").write_text('models = ["vgg16"]')
    assert load_preset("plain").name == "plain"
    (tmp_path / "quick").write_text('models = ["vgg16"]')
    assert names(load_preset("quick").models) == ["Resnet18"]
    assert names(load_preset("./quick").models) == ["VGG16"]


def test_an_unknown_name_gives_the_nearest():
    error = refusal("original-modles")
    assert error.message == "Unknown preset 'original-modles'."
    assert error.hint.startswith("Nearest: original-models")


@every("reference", ["", "  ", "x" * 5000, "a\x00b", "a\nb"])
def test_odd_names_are_refused(reference):
    assert refusal(reference).message.startswith("Unknown preset")


def test_a_missing_file_gives_the_nearest_preset(tmp_path):
    error = refusal(str(tmp_path / "original-cpus.toml"))
    assert "There is no preset file" in error.message
    assert error.hint.startswith("Nearest: original-cpu")


@every("reference", ["/" + "x" * 5000, "./a\x00b"])
def test_a_path_that_cannot_be_is_refused(reference):
    refusal(reference)


def test_what_is_no_regular_file_is_refused(tmp_path):
    assert "is a folder" in refusal(str(tmp_path)).message
    os.mkfifo(tmp_path / "pipe.toml")
    assert "is not a preset file" in refusal(str(tmp_path / "pipe.toml")).message
    assert "is not a preset file" in refusal("/dev/zero").message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(write):
    path = write('models = ["vgg16"]')
    os.chmod(path, 0)
    assert "cannot be read" in refusal(path).message


@every(
    ("content", "message"),
    [
        (b"\x00\xff\xfe\x80", "not a text file"),
        (b"\x7fELF\x02\x01\x01\x00", "not valid TOML"),
        ('models = ["vgg16"]\nbatch = = 3\n', "line 2"),
        ("models = " + "[" * 3000, "nested too deeply"),
        ("batch = " + "9" * 5000, "not valid TOML"),
        ('models = ["vgg16"]\nmodels = ["vgg19"]', "not valid TOML"),
        (b'models = ["vgg16"]#' + b"x" * (1 << 20), "is not a preset file"),
        ("", "nothing is selected"),
        ("models = []\nlayers = []", "nothing is selected"),
        ('models = ["vgg16"]\ndevices = []', "devices: expected a list of devices"),
        ("models = 3", "models: expected a list of model names"),
        ('models = "vgg16"', "models: expected a list of model names"),
        ('models = ["vgg16", 5]', "models[1]: expected a list of model names"),
        ("[models]\na = 1", "got a table"),
        ('models = ["vgg16"]\nbatch = "8"', f"batch: expected {BATCHES.expected}, got '8'"),
        ('models = ["vgg16"]\nbatch = true', f"batch: expected {BATCHES.expected}, got true"),
        ('models = ["vgg16"]\nbatch = 1.5', "got 1.5"),
        ('models = ["vgg16"]\nimage = 1979-05-27', "got 1979-05-27"),
        ('models = ["vgg16"]\nbatch = 0', f"batch: expected {BATCHES.expected}, got 0"),
        ('models = ["vgg16"]\nbatch = 65537', f"batch: expected {BATCHES.expected}, got 65537"),
        ('models = ["vgg16"]\nimage = -1', f"image: expected {IMAGES.expected}, got -1"),
        ('models = ["vgg16"]\nimage = 4097', f"image: expected {IMAGES.expected}, got 4097"),
        ('models = ["vgg16"]\nbatch = [8, 0]', 'batch[1]: expected a whole number from 1 to 65536 or "max"'),
        ('models = ["vgg16"]\nbatch = "min"', "got 'min'"),
        ('models = ["vgg16"]\nprecision = 16', "precision: expected one of default, fp32, tf32"),
        ('models = ["vgg16"]\nprecision = true', "got true"),
        ('models = ["vgg16"]\nthreads = [1, 0]', "threads[1]: expected one of cores, half or a number from 1 to 4096"),
        ('models = ["vgg16"]\nthreads = 3.5', "got 3.5"),
        ('models = ["vgg16"]\nthreads = 0x' + "f" * 5000, "got a number of that length"),
        ('models = ["vgg16"]\nthreads = "\u0663"', "threads: expected"),
        ('models = ["vgg16"]\nphases = ["forward", "sideways"]', "phases[1]: expected"),
        ('models = ["vgg16"]\ndevices = ["gpu"]', "devices: unknown device 'gpu'"),
        ('layers = ["Conv3"]', "layers: unknown layer 'Conv3'"),
    ],
)
def test_a_broken_file_is_refused_with_file_key_and_what_was_expected(write, content, message):
    path = write(content)
    error = refusal(path)
    assert path in error.message
    assert message in error.message


@pytest.mark.parametrize(
    ("content", "message", "near"),
    [
        ('model = ["vgg16"]', "unknown key 'model'", "Nearest: models"),
        ('models = ["resnet19"]', "models: unknown model 'resnet19'", "resnet18"),
        ('models = ["vgg16"]\nprecision = ["fp32", "fp8"]', "precision[1]: expected one of", "Nearest: fp32, fp16"),
        ('models = ["vgg16"]\nmemory_format = "channel_last"', "got 'channel_last'", "Nearest: channels_last"),
        ('models = ["vgg16"]\nmemory-format = "x"', "unknown key 'memory-format'", "Nearest: memory_format"),
        ('models = ["vgg16"]\nphases = "infer"', "got 'infer'", "Nearest: inference"),
        ('models = ["vgg16"]\nprotocol = "rigourous"', "got 'rigourous'", "Nearest: rigorous"),
    ],
)
def test_a_wrong_name_in_a_file_gives_the_nearest(write, content, message, near):
    error = refusal(write(content))
    assert message in error.message
    assert near in error.hint


def test_a_protocol_of_another_type_is_refused(write):
    error = refusal(write('models = ["vgg16"]\nprotocol = 3'))
    assert "protocol: expected one of quick, default, rigorous, original, got 3" in error.message


def test_the_folder_is_beside_the_package_in_a_checkout():
    assert (shipped_folder() / "quick.toml").is_file()
