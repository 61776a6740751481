"""The settings file: always usable, every mistake in a sentence, nothing of the user's lost when it is written."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from cvbench_tui.catalog.axes import BATCHES, PHASE_NAMES, SETTINGS
from cvbench_tui.errors import StoreError
from cvbench_tui.settings import FIELDS, KEYS, LAST_FIELDS, VARIABLE, Last, Settings, load, save, settings_path
from cvbench_tui.settings.file import MAX_SENTENCES
from tests.every import every

PAGE = (Path(__file__).parents[2] / "docs/settings.md").read_text()
WRITTEN = """\
# mine
theme = "nord"  # as in the editor
columns = [
  "model",  # always
  "device",
]
future = 3

[keys]
app.run = "f5"

[last]
models = ["VGG16"]
batch = 8
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def put(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def default_text(value: object) -> str:
    if value is None:
        return "left out"
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value)}`"


def test_the_manual_has_a_line_for_every_key_and_no_other() -> None:
    rows = re.findall(r"^\| `.*$", PAGE, re.MULTILINE)
    wanted = [("", each) for each in FIELDS] + [("last.", each) for each in LAST_FIELDS]
    assert rows == [
        f"| `{prefix}{each.name}` | {default_text(each.default)} | {each.kind.expected} | {each.help} |"
        for prefix, each in wanted
    ]
    assert VARIABLE in PAGE


def test_every_field_of_the_records_is_declared() -> None:
    assert [each.name for each in FIELDS] == [each.name for each in fields(Settings) if each.name not in (KEYS, "last")]
    assert [each.name for each in LAST_FIELDS] == [each.name for each in fields(Last)]


def test_no_file_gives_the_defaults_without_a_word(file: Path) -> None:
    assert load(file) == (Settings(), ())


def test_the_layout_that_was_the_default_is_todays_default(file: Path) -> None:
    file.write_text('layout = "wide"\nsort = "total"\n')
    assert load(file) == (Settings(sort="total"), ())


def test_every_key_is_read(file: Path) -> None:
    settings, problems = load(
        put(
            file,
            'theme="nord"\nascii="on"\ngauges="off"\nautosave=true\nsave_folder="/tmp"\nlayout="original"\n'
            'columns=["model"]\nsort="total"\ndescending=true\ngroup="device"\n[keys]\n"app.run"="f5,R"\nlist.all="A"\n'
            '[last]\nmodels=["VGG16"]\nlayers=["Dense"]\ndevices=["cpu"]\nbatch=4\nimage=64\nprotocol="quick"\n',
        )
    )
    assert problems == ()
    last = Last(("VGG16",), ("Dense",), ("cpu",), (4,), (64,), "quick")
    keys = {"app.run": "f5,R", "list.all": "A"}
    assert settings == Settings(
        "nord", "on", "off", True, "/tmp", "original", ("model",), "total", True, "device", keys, last
    )  # fmt: skip


@every(
    ("line", "sentence"),
    [
        ('thene = "nord"', "unknown key 'thene'. Nearest: theme."),
        ("theme = 3", "theme: expected text in quotes, got 3."),
        ('layout = "ful"', "layout: expected one of short, full, original, got 'ful'. Nearest: full."),
        ("autosave = 1", "autosave: expected true or false, got 1."),
        ('columns = "model"', "columns: expected a list of names in quotes, got 'model'."),
        ("columns = [1]", "columns[0]: expected a list of names in quotes, got 1."),
        ("last = 3", "last: expected a table, got 3."),
        ("keys = []", "keys: expected a table, got a list."),
        ("[last]\nbatch = 0", f"last.batch: expected {BATCHES.expected}, got 0."),
        ("[last]\nbatch = true", f"last.batch: expected {BATCHES.expected}, got true."),
        ("[last]\nbatch = [8, 0]", f"last.batch[1]: expected {BATCHES.expected}, got 0."),
        (
            '[last]\nsettings = ["threads=2", "precision=fp8"]',
            f"last.settings[1]: expected {SETTINGS.expected}, got 'precision=fp8'. "
            "Nearest: precision=fp32, precision=fp16, precision=tf32.",
        ),
        ("[last]\nsettings = 3", f"last.settings: expected {SETTINGS.expected}, got 3."),
        ('[last]\nphases = "infer"', f"last.phases: expected {PHASE_NAMES.expected}, got 'infer'. Nearest: inference."),
        ("[last]\nbatches = 1", "unknown key 'last.batches'. Nearest: batch."),
        ('[keys]\n"app.run" = 5', "keys.app.run: expected key names in quotes, such as \"r,f5\", got 5."),
    ],
)  # fmt: skip
def test_a_wrong_key_costs_only_itself(file: Path, line: str, sentence: str) -> None:
    settings, problems = load(put(file, f'group = "device"\n{line}\n'))
    assert problems == (f"{file}: {sentence}",)
    assert settings == replace(Settings(), group="device")


@every(
    ("content", "words"),
    [
        (b"theme = ", "is not valid TOML"),
        (b"theme = 'a'\ntheme = 'b'", "is not valid TOML"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"#" * (2 << 20), "at most 1 MiB"),
        (b"a = " + b"[" * 100_000, ""),
    ],
)
def test_a_file_that_cannot_be_used_gives_all_defaults_and_one_sentence(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    settings, problems = load(file)
    assert settings == Settings()
    assert len(problems) == 1
    assert str(file) in problems[0]
    assert words in problems[0]
    assert problems[0].endswith("The default settings are used.")


def test_what_is_no_file_at_all(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (
        tmp_path,
        tmp_path / "pipe",
        tmp_path / "loop",
        Path("a\0b"),
        tmp_path / ("x" * 400),
        Path("/dev/zero"),
    ):
        settings, problems = load(path)
        assert settings == Settings()
        assert len(problems) == 1
        assert "\0" not in problems[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(file: Path) -> None:
    put(file, 'theme = "nord"').chmod(0)
    assert load(file)[1] == (f"{file} cannot be read: Permission denied. The default settings are used.",)


def test_a_file_of_another_program_gives_few_sentences(file: Path) -> None:
    put(file, "".join(f"other{number} = 1\n" for number in range(1000)))
    assert len(load(file)[1]) == MAX_SENTENCES


def test_a_byte_order_mark_is_no_mistake(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbftheme = "nord"\r\n')
    assert load(file) == (replace(Settings(), theme="nord"), ())


def test_saving_makes_the_folders_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "config.toml"
    changes = {
        "theme": "nord",
        "last.models": ("VGG16", "A'\"\\\n"),
        "keys.app.run": "f5",
        "last.batch": (2,),
        "last.image": (),
        "last.settings": ("precision=bf16", "threads=4"),
        "autosave": True,
    }
    save(path, changes)
    settings, problems = load(path)
    assert problems == ()
    assert settings.last == Last(models=("VGG16", "A'\"\\\n"), batch=(2,), settings=("precision=bf16", "threads=4"))
    assert "batch = 2\n" in path.read_text(), "as versions read it that knew one batch"
    assert "image" not in path.read_text()
    assert (settings.theme, settings.autosave, dict(settings.keys)) == ("nord", True, {"app.run": "f5"})


def test_saving_keeps_comments_order_and_unknown_keys(file: Path) -> None:
    put(file, WRITTEN)
    save(file, {"theme": "dracula", "last.models": ["A", "B"], "last.batch": None, "keys.app.run": "R"})
    save(file, {"columns": ("model", "device")})
    expected = WRITTEN.replace('"nord"', '"dracula"').replace('["VGG16"]', '["A", "B"]').replace("batch = 8\n", "")
    assert file.read_text() == expected.replace('app.run = "f5"', 'app.run = "R"')


def test_a_new_key_at_the_top_is_not_put_into_a_table(file: Path) -> None:
    put(file, '[last]\nmodels = ["VGG16"]')
    save(file, {"theme": "nord", "keys.list.all": "A", "keys.app.run": "x"})
    settings, problems = load(file)
    assert problems == ()
    assert settings == replace(
        Settings(), theme="nord", keys={"list.all": "A", "app.run": "x"}, last=Last(models=("VGG16",))
    )


def test_a_key_under_its_quoted_name_is_changed_there(file: Path) -> None:
    put(file, '[keys]\n"app.run" = "f5"  # mine\n')
    save(file, {"keys.app.run": "R"})
    assert file.read_text() == '[keys]\n"app.run" = "R"  # mine\n'
    save(file, {"keys.app.run": None, "keys.list.all": None, "last.image": None})
    assert load(file) == (Settings(), ())


def test_nothing_is_written_when_nothing_changes(file: Path) -> None:
    put(file, WRITTEN).chmod(0o400)
    before = file.stat()
    save(file, {"theme": "nord", "last.batch": 8, "columns": ["model", "device"], "sort": None})
    assert file.stat() == before


@every("content", [b"theme = ", b"\xff\xfe", b"#" * (2 << 20)])
def test_a_broken_file_is_never_written_over(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreError, match="not saved") as refused:
        save(file, {"theme": "nord"})
    assert refused.value.hint
    assert file.read_bytes() == content


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path, file: Path) -> None:
    put(file, "")
    for path in (tmp_path, file / "under" / "a.toml", Path("/proc/nothing/config.toml")):
        with pytest.raises(StoreError) as refused:
            save(path, {"theme": "nord"})
        assert refused.value.hint
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]


def test_a_link_stays_a_link(tmp_path: Path, file: Path) -> None:
    (tmp_path / "dotfiles.toml").write_text('theme = "nord"\n')
    file.symlink_to(tmp_path / "dotfiles.toml")
    save(file, {"theme": "dracula"})
    assert file.is_symlink()
    assert (tmp_path / "dotfiles.toml").read_text() == 'theme = "dracula"\n'


@every("changes", [{"thene": "x"}, {"theme": 3}, {"last.batch": True}, {"last.nothing": 1}, {"keys": {}}])
def test_a_change_that_is_no_setting_is_a_bug(file: Path, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        save(file, changes)
    assert not file.exists()


def test_where_the_file_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, "~/my.toml")
    assert settings_path() == Path.home() / "my.toml"
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = settings_path()
    assert path.name == "config.toml"
    if sys.platform == "linux":
        assert path == tmp_path / "cvbench-tui" / "config.toml"
