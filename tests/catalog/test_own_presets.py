from __future__ import annotations

import os
from dataclasses import replace

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from cvbench_tui.catalog.axes import MAX_BATCH
from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.presets import (
    PresetEntry,
    delete_preset,
    load_preset,
    preset_entries,
    preset_names,
    save_preset,
    user_folder,
)
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.axes import LISTED
from cvbench_tui.core.image_sizes import MAX_IMAGE
from cvbench_tui.core.measurement import PHASES
from cvbench_tui.core.protocol import EXTRAS, PROTOCOLS
from cvbench_tui.errors import PresetError, SelectionError
from tests.every import every

MINE = Selection(
    "mine",
    MODELS[3:9],
    LAYERS[:2],
    ("cpu", "cuda:1"),
    (4, "max"),
    (96,),
    "rigorous",
    ("alone", "energy"),
    (("precision", ("fp32", "bf16")), ("threads", ("1", "half"))),
    ("total", "step"),
)
BARE = Selection("bare", (), LAYERS[:1], None, (), (), "default")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "settings" / "config.toml"))
    return tmp_path / "settings" / "presets"


def refusal(do, *arguments):
    with pytest.raises((PresetError, SelectionError)) as caught:
        do(*arguments)
    assert "\n" not in caught.value.message
    return caught.value


def own():
    return [entry for entry in preset_entries() if entry.own]


def describe(name, description):
    """A preset as a user may have written it, with a description."""
    user_folder().mkdir(parents=True, exist_ok=True)
    (user_folder() / f"{name}.toml").write_text(tomlkit.dumps({"description": description, "models": ["vgg16"]}))


def test_they_are_beside_the_settings_file(folder, monkeypatch):
    assert user_folder() == folder
    monkeypatch.delenv("CVBENCH_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/configured")
    assert user_folder().parts[-2:] == ("cvbench-tui", "presets")


@pytest.mark.parametrize("selection", [MINE, BARE, replace(MINE, models=MODELS, layers=LAYERS)])
def test_what_is_saved_is_what_is_loaded(folder, selection):
    describe("My cards 2", 'For "week 3" \\ Ω')
    path = save_preset("My cards 2", selection)
    assert path == folder / "My cards 2.toml"
    assert load_preset("My cards 2") == replace(selection, name="My cards 2")
    assert own()[0].description == 'For "week 3" \\ Ω'
    assert list(folder.iterdir()) == [path], "nothing temporary is left"


@given(
    description=st.text(st.characters(exclude_categories=["Cs"])),
    batch=st.lists(st.integers(1, 65536) | st.just("max"), max_size=4, unique=True).map(tuple),
)
def test_any_description_comes_back(description, batch):
    describe("any", description)
    save_preset("any", replace(BARE, batches=batch))
    assert own()[0].description == description
    assert load_preset("any").batches == batch


def some(values, least=0):
    return st.lists(st.sampled_from(values), min_size=least, unique=True).map(tuple)


def values_of(axis):
    numbers = st.integers(1, axis.most).map(str) if axis.most else st.nothing()
    return st.lists(st.sampled_from([each.name for each in axis.values]) | numbers, max_size=4, unique=True).map(tuple)


@given(
    selection=st.builds(
        Selection,
        name=st.just("any"),
        models=some(MODELS[:20], 1),
        layers=some(LAYERS),
        devices=st.none() | some(["cpu", "cuda:0", "cuda:11", "mps", "xpu:2"], 1),
        batches=st.lists(st.integers(1, MAX_BATCH) | st.just("max"), max_size=4, unique=True).map(tuple),
        images=st.lists(st.integers(1, MAX_IMAGE), max_size=4, unique=True).map(tuple),
        protocol=st.sampled_from(list(PROTOCOLS)),
        extras=some(list(EXTRAS)),
        settings=st.tuples(*(st.tuples(st.just(axis.name), values_of(axis)) for axis in LISTED)).map(
            lambda chosen: tuple(each for each in chosen if each[1])
        ),
        phases=some(PHASES),
    )
)
def test_any_preset_written_is_read_back_equal(selection):
    save_preset("any", selection)
    assert load_preset("any") == selection


def test_one_value_is_written_as_one_which_older_versions_read():
    chosen = replace(BARE, batches=(8,), images=(64,), settings=(("precision", ("bf16",)), ("threads", ("2", "half"))))
    lines = save_preset("mine", chosen).read_text().splitlines()
    assert {"batch = 8", "image = 64", 'precision = "bf16"', 'threads = [2, "half"]'} <= set(lines)
    assert not {line.split()[0] for line in lines} & {"phases", "compile", "extras"}, "what is not set is left out"


def test_a_saved_file_is_plain_to_read(folder):
    text = save_preset("mine", replace(MINE, models=MODELS[:2], devices=None)).read_text()
    assert text.splitlines()[:2] == ['models = ["VGG16", "VGG16 BN"]', 'layers = ["Conv3x3/1", "Conv5x5/1"]']
    assert "devices" not in text
    assert "description" not in text
    assert '\n    "VGG16",\n' in save_preset("many", replace(MINE, models=MODELS)).read_text()


def test_the_list_has_the_shipped_ones_first_then_ones_own(with_timm):
    describe("zoo", "All of it")
    save_preset("zoo", MINE)
    save_preset("an own", BARE)
    entries = preset_entries()
    assert [entry.name for entry in entries] == [*preset_names(), "an own", "zoo"]
    assert entries[-1] == PresetEntry("zoo", "All of it", True, 8, "", MINE.protocol)
    assert not any(entry.own or entry.problem for entry in entries[:-2])
    assert all(entry.workloads for entry in entries)


def test_a_list_without_a_folder_is_the_shipped_ones():
    assert own() == []


def test_a_broken_own_file_stands_in_the_list_with_its_problem(folder):
    folder.mkdir(parents=True)
    (folder / "broken.toml").write_text("models = 3")
    (folder / "nothing.toml").write_text("")
    (folder / "loop.toml").symlink_to(folder / "loop.toml")
    (folder / ".hidden.toml").write_text("")
    (folder / "quick.toml").write_text('models = ["vgg16"]')
    found = {entry.name: entry for entry in own()}
    assert set(found) == {"broken", "loop", "nothing", "quick"}
    assert all(entry.workloads == 0 for entry in found.values())
    assert "models: expected a list" in found["broken"].problem
    assert "nothing is selected" in found["nothing"].problem
    assert found["loop"].problem
    assert "shipped preset has this name" in found["quick"].problem
    assert load_preset("quick").models != MODELS[:1]


def test_an_own_one_is_written_over_whatever_its_name_is_written_like(folder):
    save_preset("My cards", MINE)
    path = save_preset("my_CARDS", BARE)
    assert path == folder / "My cards.toml"
    assert load_preset("my cards").layers == BARE.layers
    assert len(own()) == 1


@every("name", ["", "  ", "a/b", "../up", "a.toml", "x" * 61, "a\nb", "[bold]", "C:x", "a\x00"])
def test_a_name_that_cannot_be_one(name, folder):
    assert "letters, digits, blanks, - and _" in refusal(save_preset, name, BARE).hint
    assert not folder.exists()


def test_a_name_in_any_script():
    save_preset("Für Ümläute 測試", BARE)
    assert load_preset("für ümläute 測試").layers == BARE.layers
    save_preset("界" * 60, BARE)
    assert load_preset("界" * 60).layers == BARE.layers


def test_a_shipped_name_is_taken(folder):
    assert "is a shipped preset" in refusal(save_preset, "Original CPU", BARE).message
    assert "is a shipped preset" in refusal(delete_preset, "quick").message
    assert not folder.exists()


def test_a_selection_of_nothing_is_not_saved(folder):
    assert refusal(save_preset, "none", replace(BARE, layers=())).message == "Nothing is selected."
    assert not folder.exists()


def test_an_own_one_can_be_deleted():
    save_preset("mine", MINE)
    save_preset("other", BARE)
    delete_preset("Mine")
    assert [entry.name for entry in own()] == ["other"]
    error = refusal(delete_preset, "othre")
    assert error.message == "There is no preset 'othre' of your own."
    assert error.hint == "Nearest: other."


def test_a_broken_one_can_be_deleted_too(folder):
    folder.mkdir(parents=True)
    (folder / "odd [name].toml").write_text("broken = = 1")
    delete_preset(own()[0].name)
    assert own() == []


def test_an_unknown_name_gives_the_nearest_of_ones_own_too():
    save_preset("weekly-cards", MINE)
    assert "weekly-cards" in refusal(load_preset, "weekly-crads").hint


def test_an_own_one_wins_over_a_file_in_the_current_folder(tmp_path, monkeypatch):
    save_preset("mine", MINE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text('models = ["vgg16"]')
    assert load_preset("mine").models == MINE.models
    assert load_preset("./mine").models == MODELS[:1]


def test_a_folder_that_cannot_be_written_is_a_sentence(folder):
    folder.parent.mkdir()
    folder.write_text("a file")
    error = refusal(save_preset, "mine", MINE)
    assert f"Cannot write {folder / 'mine.toml'}: " in error.message


def test_a_write_that_fails_leaves_the_old_file(folder, monkeypatch):
    before = save_preset("mine", MINE).read_text()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in refusal(save_preset, "mine", BARE).message
    assert [path.read_text() for path in folder.iterdir()] == [before]
