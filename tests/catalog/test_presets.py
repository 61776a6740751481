from pathlib import Path

import pytest

from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.presets import load_preset, preset_description, preset_names
from cvbench_tui.errors import CvbenchError, PresetError

SHIPPED = {
    "edge",
    "modern-layers",
    "original-cpu",
    "original-layers",
    "original-models",
    "quick",
    "resnets",
    "torchvision-all",
}


def test_every_shipped_preset_can_be_used_and_says_what_it_is_for():
    assert set(preset_names()) == SHIPPED
    for name in preset_names():
        selection = load_preset(name)
        assert selection.name == name
        assert selection.models or selection.layers
        assert preset_description(name).endswith((".", "?"))


def test_what_the_presets_hold():
    assert len(load_preset("original-models").models) == 9
    assert [m.name for m in load_preset("original-cpu").models] == ["VGG16", "VGG16 BN", "VGG19", "VGG19 BN"]
    assert load_preset("original-cpu").devices == ("cpu",)
    assert load_preset("torchvision-all").models == MODELS
    assert load_preset("original-layers").batch == 1
    assert load_preset("edge").batch == 1
    quick = load_preset("quick")
    assert len(quick.models) + len(quick.layers) == 3
    assert quick.protocol == "quick"


def test_a_file_of_ones_own(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('models = ["RESNET18"]\ndevices = ["cuda"]\nbatch = 2\n')
    selection = load_preset(str(file))
    assert (selection.name, selection.models[0].name, selection.devices) == ("mine", "Resnet18", ("cuda:0",))
    assert selection.batch == 2


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("= 3", "at line 1", "TOML"),
        ('modles = ["resnet18"]', "unknown key 'modles'", "models"),
        ('models = "resnet18"', "models: input should be a valid list", "list of names"),
        ('models = ["resnet19"]', "Unknown model 'resnet19'", "resnet18"),
        ('layers = ["Conv3"]', "Unknown layer 'Conv3'", "Conv3x3/1"),
        ('models = ["resnet18"]\ndevices = ["gpu"]', "Unknown device 'gpu'", "cuda:N"),
        ('models = ["resnet18"]\nbatch = 0', "batch: input should be greater than or equal to 1", "1 to 65536"),
        ('models = ["resnet18"]\nbatch = -3', "batch", "1 to 65536"),
        ('models = ["resnet18"]\nbatch = 100000', "batch", "1 to 65536"),
        ('models = ["resnet18"]\nbatch = "8"', "batch", "whole number"),
        ('models = ["resnet18"]\nbatch = true', "batch", "whole number"),
        ('models = ["resnet18"]\nimage = 0', "image", "1 to 4096"),
        ('models = ["resnet18"]\nprotocol = "quik"', "protocol: unknown 'quik'", "quick"),
        ("models = []", "names no model and no layer", "models = "),
        ("", "names no model and no layer", "models = "),
    ],
)
def test_a_broken_file_names_itself_what_is_wrong_and_what_to_write(tmp_path, text, message, hint):
    file = tmp_path / "odd.toml"
    file.write_text(text)
    with pytest.raises(PresetError) as caught:
        load_preset(str(file))
    assert str(file) in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_files_that_are_none(tmp_path: Path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "huge.toml").write_bytes(b"#" * 1_000_001)
    for reference in ("binary.toml", "huge.toml", "missing.toml", ""):
        with pytest.raises(PresetError):
            load_preset(str(tmp_path / reference))


def test_an_unknown_name_gets_the_nearest_preset():
    with pytest.raises(CvbenchError) as caught:
        load_preset("original-model")
    assert "original-models" in caught.value.hint
