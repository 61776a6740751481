"""The user's own keys, checked before Textual gets them: what can be used, and a sentence for each thing that cannot.

Why Textual's own report is not enough (8.2.8, ``BindingsMap.apply_keymap``): an unknown id and an impossible key are
accepted silently, a key that another action of the same widget has is removed from it, a binding of two keys that gets
one new key clashes with itself, and a clash is reported again at every key press. A key in an inner place wins over the
same key further out, so only clashes within a place are mistakes; a binding with priority is asked first everywhere, so
no place can have the keys of the quit that always works.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from textual.binding import Binding

# _character_to_key is what App.set_keymap itself calls; there is no public way.
from textual.keys import KEY_ALIASES, REPLACED_KEYS, Keys, _character_to_key, key_to_character

from cvbench_tui.base.nearest import nearest, quoted

ALWAYS = "app.quit_always"  # the quit that cannot be remapped
ALWAYS_KEYS = ("f10", "ctrl+q")
_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_SENT_AS = {alias: key for key in ("tab", "enter", "escape") for alias in KEY_ALIASES[key]} | {
    "ctrl+h": "backspace",
    "ctrl+[": "escape",
    "ctrl+left_square_bracket": "escape",
}
"""Keys that a terminal sends as another one."""
_ALIASES = {"return": "enter", "esc": "escape", "del": "delete", "ins": "insert", "pgup": "pageup", "pgdn": "pagedown"}
_NAMED = {key.value for key in Keys if "+" not in key.value and len(key.value) > 1 and "<" not in key.value}


def check_keys(wanted: Mapping[str, str], bindings: Iterable[Binding]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The part of ``wanted`` that can be given to ``App.set_keymap``, and what is wrong with the rest.

    ``wanted`` is binding id to comma separated keys; ``bindings`` are all of the app. What cannot be used keeps its
    own keys. Within a place (the part of an id before its dot) a key has one action.
    """
    bindings = list(bindings)
    own: dict[str, tuple[str, ...]] = {}
    for binding in bindings:
        if binding.id is not None:  # a list may be split already, a binding for each key
            own[binding.id] = (*own.get(binding.id, ()), *map(_normal, binding.key.split(",")))
    problems: dict[str, str] = {}
    usable: dict[str, tuple[str, ...]] = {}
    for name, text in wanted.items():
        spelled = [","] if text.strip() == "," else [part.strip() for part in text.split(",")]
        usable[name] = tuple(dict.fromkeys(map(_normal, spelled)))
        problem = next(filter(None, map(_key_problem, spelled)), "")
        if name == ALWAYS:
            problem = f"{' and '.join(ALWAYS_KEYS)} always quit and cannot be changed."
        elif name not in own:
            problem = f"there is no such action. {nearest(name, own)}".rstrip()
        if problem:
            del usable[name]
            problems[name] = problem
    everywhere = {binding.id for binding in bindings if binding.priority}
    while clash := _clash(usable, own, everywhere):
        loser, problems[clash[0]] = clash
        del usable[loser]
    sentences = (f"Keys of {quoted(name)}: {problem}" for name, problem in problems.items())
    return {name: ",".join(keys) for name, keys in usable.items()}, tuple(sentences)


def _normal(key: str) -> str:
    """``Ctrl+R`` is ctrl+r, ``F5`` is f5, ``?`` is question_mark and shift+a is A, as Textual reports them."""
    key = key.strip()
    if len(key) == 1:
        return _character_to_key(key)
    *modifiers, last = (part.strip().lower() for part in key.split("+"))
    if modifiers == ["shift"] and len(last) == 1 and last.isalpha():
        return last.upper()
    last = _ALIASES.get(last, last)
    character = None if last in _NAMED else key_to_character(last)
    return "+".join([*sorted(modifiers), _character_to_key(character) if character else last])


def _key_problem(spelled: str) -> str:
    """Why no terminal can send that key to an action; empty when one can."""
    key = _normal(spelled)
    if not key:
        return "an empty key. Leave the line out to keep its own keys."
    if key in ALWAYS_KEYS:
        return f"{quoted(spelled)} always quits and cannot be reassigned."
    if key in _SENT_AS:
        return f"terminals send {quoted(spelled)} as {_SENT_AS[key]}, so the two cannot be distinguished."
    *modifiers, last = key.split("+")
    if all(modifier in _MODIFIERS for modifier in modifiers) and _is_key(last):
        return ""
    names = [*_NAMED, "comma", "full_stop", "question_mark", "slash", *(f"ctrl+{chr(code)}" for code in range(97, 123))]
    return f"{quoted(spelled)} is not a key. {nearest(key, names)}".rstrip()


def _is_key(name: str) -> bool:
    """True for a named key, and for a character or its Unicode name."""
    character = name if len(name) == 1 else key_to_character(REPLACED_KEYS.get(name, name))
    return name in _NAMED or (character is not None and unicodedata.category(character)[0] not in "CZ")


def _clash(
    usable: Mapping[str, tuple[str, ...]], own: Mapping[str, tuple[str, ...]], everywhere: set[str | None]
) -> tuple[str, str] | None:
    """The last wanted action that has a key of another one in its place, and why; None when there is none."""
    for name in reversed(list(usable)):
        for other, keys in {**own, **usable}.items():
            shared = [key for key in usable[name] if key in keys]
            together = other.partition(".")[0] == name.partition(".")[0] or not everywhere.isdisjoint((name, other))
            if other != name and shared and together:
                return name, f"{quoted(shared[0])} is already the key of {other}."
    return None
