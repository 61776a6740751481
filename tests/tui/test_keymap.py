"""The user's keys: what can be used is used by Textual as it says, the rest is named in a sentence."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from cvbench_tui.tui.keys.keymap import check_keys
from cvbench_tui.tui.places import all_bindings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BINDINGS: list[BindingType] = [
    Binding("r,f5", "did('run')", "Run", id="app.run"),
    Binding("s", "did('save')", "Save", id="app.save"),
    Binding("x", "did('cancel')", "Cancel", id="app.cancel"),
    Binding("question_mark", "did('help')", "Help", id="app.help"),
    Binding("f10,ctrl+q", "did('quit')", "Quit", id="app.quit_always", priority=True),
    Binding("f3", "did('palette')", "Palette", id="app.palette", priority=True),
    Binding("z", "did('nameless')", "Nameless"),
]
LIST = [Binding("a", "all", "All", id="list.all"), Binding("n", "none", "None", id="list.none")]
ALL = [*(each for each in BINDINGS if isinstance(each, Binding)), *LIST]


class Keyed(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(self, keymap: dict[str, str]) -> None:
        super().__init__()
        self.done: list[str] = []
        self.set_keymap(keymap)

    def action_did(self, what: str) -> None:
        self.done.append(what)


async def pressed(keymap: dict[str, str], *keys: str) -> list[str]:
    app = Keyed(keymap)
    async with app.run_test() as pilot:
        await pilot.press(*keys)
    return app.done


SPELLINGS = {
    "R": "R",
    "f5, R": "f5,R",
    "F6": "f6",
    "Ctrl+R": "ctrl+r",
    "shift+ctrl+r": "ctrl+shift+r",
    "shift+r": "R",
    "?": "question_mark",
    ",": "comma",
    "hyphen_minus": "minus",
    "-": "minus",
    "esc": "escape",
    "PgDn": "pagedown",
    "alt+pageup": "alt+pageup",
    "r,r": "r",
    "ä": "ä",
    "ctrl+j": "ctrl+j",
}


def test_keys_are_taken_in_textuals_spelling() -> None:
    taken = {text: check_keys({"app.help" if text == "?" else "app.run": text}, ALL) for text in SPELLINGS}
    wanted = {text: ({"app.help" if text == "?" else "app.run": keys}, ()) for text, keys in SPELLINGS.items()}
    assert taken == wanted


WRONG = [
    ("app.rum", "R", "Keys of 'app.rum': there is no such action. Nearest: app.run"),
    ("", "R", "Keys of '': there is no such action."),
    ("app.run", "", "Keys of 'app.run': an empty key."),
    ("app.run", "r,,x", "Keys of 'app.run': an empty key."),
    ("app.run", "f55", "Keys of 'app.run': 'f55' is not a key. Nearest: f5"),
    ("app.run", "entre", "Keys of 'app.run': 'entre' is not a key. Nearest: enter"),
    ("app.run", "crtl+r", "Keys of 'app.run': 'crtl+r' is not a key. Nearest: ctrl+r"),
    ("app.run", "ctrl+", "Keys of 'app.run': 'ctrl+' is not a key."),
    ("app.run", "ctrl+i", "Keys of 'app.run': terminals send 'ctrl+i' as tab, so the two cannot be distinguished."),
    ("app.run", "Ctrl+M", "Keys of 'app.run': terminals send 'Ctrl+M' as enter, so the two cannot be distinguished."),
    ("app.run", "\x1b[1m", "Keys of 'app.run': '\\x1b[1m' is not a key."),
    ("app.run", "\x01", "Keys of 'app.run': "),
    ("app.run", "f10", "Keys of 'app.run': 'f10' always quits and cannot be reassigned."),
    ("list.all", "g,Ctrl+Q", "Keys of 'list.all': 'Ctrl+Q' always quits and cannot be reassigned."),
    ("app.quit_always", "q", "Keys of 'app.quit_always': f10 and ctrl+q always quit and cannot be changed."),
    ("app.run", "x", "Keys of 'app.run': 'x' is already the key of app.cancel."),
    ("list.all", "f3", "Keys of 'list.all': 'f3' is already the key of app.palette."),
    ("app.palette", "n", "Keys of 'app.palette': 'n' is already the key of list.none."),
]


def test_what_cannot_be_used_is_a_sentence_and_changes_nothing() -> None:
    unlike = []
    for name, text, sentence in WRONG:
        kept = {} if name == "app.palette" else {"list.none": "N"}
        keymap, problems = check_keys({name: text, **kept}, ALL)
        said = len(problems) == 1 and problems[0].startswith(sentence) and problems[0].isprintable()
        if not said or keymap != kept:
            unlike.append((name, text, keymap, problems))
    assert unlike == []


def test_the_later_of_two_that_want_one_key_loses_it() -> None:
    keymap, problems = check_keys({"app.run": "g", "app.save": "g"}, ALL)
    assert keymap == {"app.run": "g"}
    assert problems == ("Keys of 'app.save': 'g' is already the key of app.run.",)


def test_a_key_in_another_place_is_no_mistake() -> None:
    assert check_keys({"list.all": "s", "app.cancel": "a"}, ALL) == ({"list.all": "s", "app.cancel": "a"}, ())


def test_who_loses_a_key_takes_along_who_wanted_its_own() -> None:
    """Save wants run's key, run wants one that help has: run keeps r, and save cannot have it."""
    keymap, problems = check_keys({"app.save": "r", "app.run": "?"}, ALL)
    assert keymap == {}
    assert len(problems) == 2


async def test_two_actions_can_change_places() -> None:
    keymap, problems = check_keys({"app.save": "x", "app.cancel": "s"}, ALL)
    assert problems == ()
    assert await pressed(keymap, "s", "x", "r", "z", "f10") == ["cancel", "save", "run", "nameless", "quit"]


async def test_a_new_key_takes_the_place_of_the_old_ones() -> None:
    keymap, _ = check_keys({"app.run": "R", "app.help": "-,ctrl+t"}, ALL)
    assert await pressed(keymap, "r", "f5", "R", "minus", "ctrl+t", "question_mark") == ["run", "help", "help"]


async def test_without_wishes_all_is_as_it_was() -> None:
    keymap, problems = check_keys({}, ALL)
    assert (keymap, problems) == ({}, ())
    assert await pressed(keymap, "r", "f5", "s") == ["run", "run", "save"]


def test_the_example_of_the_manual_is_right() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    (example,) = re.findall(r"```toml\n(\[keys\]\n.*?)```", page, re.DOTALL)
    wanted = tomllib.loads(example)["keys"]
    assert len(wanted) == 2
    keymap, problems = check_keys(wanted, all_bindings())
    assert problems == ()
    assert keymap == wanted
