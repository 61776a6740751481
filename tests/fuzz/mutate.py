"""Texts made odd, by chance but the same each time: bytes, lines, and the values inside JSON."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data"
DEEP = 300
NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 64, 1 << 31, 1 << 53, 1 << 63, 10**21, 10**400, -(10**400), 5e-324, 1e-13,
    1e-12, 1e-9, 0.5, -0.0, -1.5, 1e9, 1e21, 1e300, 1.7e308, math.nan, math.inf, -math.inf, 253402300800.0,
    -62135596801.0, "", " ", "x" * 3000, "1", "nan", "cpu", "cuda:0", "cuda:9999", "total", "forward", "training",
    "torch", "0-3,8", "0-99999999999999999999", "=1+1", "-2", "@SUM(A1)", "\t=1", "$(touch x)", "`touch x`",
    "../../etc/passwd", "a;b",
    "\x1b]0;title\x07", "\x1b[2J", "\x00", "\r", "\n\n# head", "| a | b |", "<script>", "]]>", "\u202e\u2066", "\ud800",
    "\U000e0001", "\u2028", "\u6a21\u578b", "\u0301" * 40,
    [], {}, [[]], [{}], [0], [""], [None], [[0.1]], ["cpu", "cpu"],
)  # fmt: skip
PIECES = (
    b"\xef\xbb\xbf", b"\x00", b"\xff\xfe", b"[" * DEEP, b'{"a":' * DEEP, b"NaN", b"1e999", b"9" * 400, b"9" * 5000,
    b'"\\ud800"', b"\r\n", b",,", b"#", b"a." * DEEP, b'"""', b"=", b"\xc3\x28",
)  # fmt: skip
"""What has another meaning to a parser."""


def mutants(seeds: list[bytes], count: int, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """So many odd texts with their numbers; the same number is always the same text."""
    for number in range(start, start + count):
        rng = random.Random(number)
        text = rng.choice(seeds)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            text = rng.choice(MUTATIONS)(rng, text)
        yield number, text


def _bits(rng: random.Random, text: bytes) -> bytes:
    changed = bytearray(text)
    for _ in range(rng.choice((1, 3, 20))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(rng: random.Random, text: bytes) -> bytes:
    """Its end, its beginning or something inside is gone."""
    low, high = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    return rng.choice((text[:low], text[low:], text[:low] + text[high:]))


def _lines(rng: random.Random, text: bytes) -> bytes:
    """Lines twice, gone, in another order, or joined."""
    lines = text.splitlines(keepends=True) or [b""]
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(5)
    if what == 0:
        lines.insert(one, lines[other])
    elif what == 1:
        del lines[one]
    elif what == 2:
        lines[one], lines[other] = lines[other], lines[one]
    elif what == 3:
        lines[one] = lines[one].rstrip(b"\n") + lines[other]
    else:
        lines += lines[1:]
    return b"".join(lines)


def _words(rng: random.Random, text: bytes) -> bytes:
    """One of ``PIECES`` is in it."""
    piece = rng.choice(PIECES)
    place = rng.randrange(len(text) + 1)
    return text[:place] + piece + text[place:]


def _values(rng: random.Random, text: bytes) -> bytes:
    """In one line of JSON a value is another one, a key is another, or there twice."""
    lines = text.splitlines(keepends=True) or [b""]
    place = rng.randrange(len(lines))
    try:
        plain = json.loads(lines[place])
    except (ValueError, RecursionError):
        return _assigned(rng, lines, place)
    for _ in range(rng.choice((1, 1, 2, 5))):
        plain = changed(rng, plain)
    written = json.dumps(plain).encode()
    if rng.random() < 0.1 and isinstance(plain, dict) and plain:  # a key that is there twice
        key = rng.choice(list(plain))
        twice = json.dumps({key: rng.choice(NASTY)}).encode()
        written = twice[:-1] + b", " + written[1:] if rng.random() < 0.5 else written[:-1] + b", " + twice[1:]
    lines[place] = written + b"\n"
    return b"".join(lines)


def _assigned(rng: random.Random, lines: list[bytes], place: int) -> bytes:
    """In a line of TOML the value is another one, or the key is."""
    key, equals, value = lines[place].partition(b"=")
    if equals:
        written = json.dumps(rng.choice(NASTY)).encode()
        key, value = rng.choice(((key, written), (written, value), (key, b"[" + written + b"]"), (key + b".x", value)))
        lines[place] = key.rstrip() + b" = " + value.strip() + b"\n"
    return b"".join(lines)


def changed(rng: random.Random, plain: Any) -> Any:
    """A copy in which one value, however deep, is another one."""
    if rng.random() < 0.01:
        deep: Any = rng.choice(NASTY)
        for _ in range(rng.choice((3, DEEP))):
            deep = [deep]
        return deep
    if not isinstance(plain, (dict, list)) or not plain or rng.random() < 0.03:
        return _other(rng, plain)
    plain = copy.copy(plain)
    keys: list[Any] = list(plain) if isinstance(plain, dict) else list(range(len(plain)))
    key, what = rng.choice(keys), rng.random()
    if what < 0.85:
        plain[key] = changed(rng, plain[key])
    elif what < 0.9:
        del plain[key]
    elif what < 0.95 and isinstance(plain, list):
        plain += [plain[key]] * rng.choice((1, 1, 30))
    else:
        plain[key] = plain[rng.choice(keys)]
    return plain


def _other(rng: random.Random, value: Any) -> Any:
    """A nasty value, mostly of the same type: others are refused by any parser."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300 and rng.random() < 0.3:
        return value * 10.0 ** rng.randint(-15, 15)
    alike = [each for each in NASTY if type(each) is type(value)]
    if isinstance(value, float):
        alike = [each for each in NASTY if isinstance(each, (int, float))]
    return rng.choice(alike if alike and rng.random() < 0.8 else NASTY)


def _figures(rng: random.Random, text: bytes) -> bytes:
    """Up to six leaves of one line are others that may well be accepted; a longer line is taken more often."""
    lines = text.splitlines(keepends=True) or [b""]
    place = rng.choices(range(len(lines)), [len(line) + 1 for line in lines])[0]
    try:
        plain = json.loads(lines[place])
    except (ValueError, RecursionError):
        return _assigned(rng, lines, place)
    leaves = [(holder, key) for holder, key in _leaves([plain]) if key not in LITERALS or rng.random() < 0.05]
    for holder, key in rng.sample(leaves, min(len(leaves), rng.randint(1, 6))):
        if isinstance(holder, list) and key >= len(holder):
            continue
        if isinstance(holder, list) and rng.random() < 0.2:
            holder[key:] = rng.choice(([], [holder[key]] * 2, holder[key + 1 :]))
        else:
            holder[key] = _figure(rng, holder[key])
    lines[place] = json.dumps(plain).encode() + b"\n"
    return b"".join(lines)


def _leaves(plain: Any) -> Iterator[tuple[Any, Any]]:
    """Every value that is no object and no list, and every empty list, by what it is in."""
    for key, value in list(plain.items() if isinstance(plain, dict) else enumerate(plain)):
        if isinstance(value, (dict, list)) and value:
            yield from _leaves(value)
        else:
            yield plain, key


def _figure(rng: random.Random, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((0, 1, 2, 3, 7, value + 1, value * 1000, abs(value) // 1000, 1 << 40, None))
    if isinstance(value, float):
        return rng.choice((0.0, value * 10.0 ** rng.uniform(-4, 4), value * 1e-9, value * 1e6, 1e-12, 1e9, 1.0, None))
    if isinstance(value, str):
        return rng.choice((value + "x", *(each for each in NASTY if isinstance(each, (str, int, bool)))))
    return rng.choice((None, 0, 1, 0.5, 1e9, 1 << 40, True, "", "cpu"))


Mutation = Callable[[random.Random, bytes], bytes]
LITERALS = frozenset(("kind", "stage", "phase", "name", "method",
                      "clock", "stop", "reason", "source", "case_id"))  # fmt: skip
"""Keys whose values are few words: any other is refused, which a few inputs show as well as many."""
MUTATIONS: tuple[Mutation, ...] = (_bits, _cut, _lines, _words, *[_values] * 4, *[_figures] * 12)


def run_files() -> list[bytes]:
    """Small run files: every kind of event, evidence, two visits, rows added, a card."""
    good = (DATA / "good.jsonl").read_bytes()
    return [_small(good, 3), _small((DATA / "graded.jsonl").read_bytes(), 2)]


def _small(text: bytes, rows: int) -> bytes:
    """The same run with its first rows and at most two rounds of each phase, and with some rows added in the end."""
    events = [json.loads(line) for line in text.splitlines()]
    cases = events[0]["plan"]["cases"]
    del cases[rows:]
    from cvbench_tui.core.run import fold
    from cvbench_tui.wire import decode

    run = fold(None, decode(json.dumps(events[0])))
    ids = {case.case_id for case in run.plan.cases}
    kept = [event for event in events if _case(event) in (None, *ids)]
    progress = [event for event in kept if event["kind"] == "progress"]
    kept = [event for event in kept if event["kind"] != "progress" or event in progress[:2]]
    for event in kept:
        _shorten(event)
    added = {"cases": cases[:1], "at_s": events[-1]["at_s"] + 1, "again": True, "kind": "rows_added"}
    outcome = next(event for event in kept if event["kind"] == "case_finished")
    kept += [added, outcome, events[-1]]
    return b"".join(json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in kept)


def _case(event: dict[str, Any]) -> str | None:
    holder = event.get("measurement") or event.get("failure") or event
    case_id: str | None = holder.get("case_id")
    return case_id


def _shorten(value: Any) -> None:
    """Lists of samples and evidence keep two items: more are only more time."""
    for key, each in value.items() if isinstance(value, dict) else ():
        if key in ("rounds", "evidence") and isinstance(each, list):
            del each[2:]
            each[:] = [item[:3] if isinstance(item, list) else item for item in each]
        elif key == "visit_rounds":
            each[:] = []
        elif isinstance(each, dict):
            _shorten(each)
        elif isinstance(each, list):
            for item in each:
                _shorten(item)
