"""Every parser of text from outside: what is declared comes out, whatever the text is. Examples are what was found."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from pathlib import Path

import click
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cvbench_tui.base.escape import one_line, paired, visible
from cvbench_tui.base.toml import TomlFile, value_text
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.presets import load_preset
from cvbench_tui.catalog.selection import check_device_name, why_not_offered
from cvbench_tui.cli.options import MAX_DURATION_S, _duration_s, _plain
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import EnvironmentProbed, RunFinished
from cvbench_tui.core.facts import count_listed
from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload
from cvbench_tui.errors import CvbenchError, SelectionError, StoreError
from cvbench_tui.results.export.csv import safe_cell
from cvbench_tui.results.storage.run_file import is_torn, load, read_header
from cvbench_tui.settings import load as load_settings
from cvbench_tui.wire import WireError, decode, encode, parse
from tests.fuzz.mutate import NASTY

HEAD = (
    b'{"run_id":"a","plan":{"name":"p","cases":[],"protocol":{"name":"quick"}},"at_s":1.0,"program":"1",'
    b'"kind":"run_started"}'
)
END = '{"reason":"finished","at_s":%s,"kind":"run_finished"}'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from([*NASTY[:30]]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(
    ["run_started", "worker_ready", "case_started", "progress", "case_finished", "run_finished", "x"]
)
odd_lines = st.binary(max_size=200) | st.builds(
    lambda kind, plain: json.dumps({"kind": kind, **plain}).encode(), KINDS, st.dictionaries(st.text(max_size=9), JSON)
)


@given(odd_lines)
@example(b"")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"9" * 5_000)
@example(b"\xff\xfe{}")
@example(b"null")
@example((END % "9" * 400).encode())
@example((END % ("9" * 400)).encode())
@example((END % "1e300").encode())
@example((END % "NaN").encode())
@example(b'{"kind":"case_started","case_id":"a","pid":-1}')
@example(b'{"kind":"case_started","case_id":"a","pid":0}')
@example(b'{"kind":"\\u001b]0;title\\u0007"}')
@example(b'{"kind":"run_finished","kind":"run_finished","reason":"finished","at_s":1}')
@example(b'{"kind":"run_started","schema":' + b"9" * 400 + b"}")
def test_a_line_is_an_event_or_a_wire_error(line):
    for read in (decode, parse):
        try:
            read(line)
        except WireError as error:
            sentence = str(error)
            assert sentence == visible(sentence)
            assert 0 < len(sentence) < 500
    assert is_torn(line) in (True, False)


@given(odd_lines)
@example(b"\xef\xbb\xbf" + HEAD)
@example(HEAD.replace(b'"cases":[]', b'"cases":[[]]'))
@example(HEAD.replace(b"1.0", b"1e300"))
@example(b'{"kind":"run_started","schema":' + b"9" * 4_000 + b"}")
def test_a_header_is_read_or_a_store_error(line):
    path = Path("\x1b[2Jfile.jsonl")
    try:
        header = read_header(path, line)
    except StoreError as error:
        assert error.message == one_line(error.message)  # noqa: PT017
        return
    assert header.run_id == "a"


@settings(max_examples=50)
@given(st.lists(odd_lines, max_size=3))
@example([b"{"])
def test_a_file_is_a_run_or_a_store_error(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("odd") / "odd.jsonl"
    path.write_bytes(b"\n".join([HEAD, *lines]))
    try:
        run = load(path)
    except StoreError as error:
        assert error.message == one_line(error.message)  # noqa: PT017
        return
    assert run.id == "a"


@given(st.text())
@example("half \ud800 a pair")
@example("\\ud800 as it is written")
@example("whole \U0001f600 pairs \ud83d\ude00")
def test_what_is_written_can_be_read_again(text):
    """Half a surrogate pair is in every variable and name that is not UTF-8."""
    event = EnvironmentProbed(Environment((), (), (("env.X", text),)))
    got = decode(encode(event)).environment.fact("env.X")
    assert got == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    old = json.dumps(dataclasses.asdict(event), separators=(",", ":"))
    assert decode(old) == decode(encode(event)), "files of earlier versions have such halves"
    assert json.loads(paired(json.dumps(text))) == got


@given(st.floats() | st.integers())
@example(253402300800.0)
@example(-1.0)
@example(32_503_680_000.0)
def test_a_moment_can_be_shown_or_is_refused(at_s):
    import time

    try:
        event = decode(json.dumps({"kind": "run_finished", "reason": "finished", "at_s": at_s}))
    except WireError:
        return
    assert isinstance(event, RunFinished)
    for show in (time.gmtime, time.localtime):
        assert 1969 <= show(event.at_s).tm_year <= 3000


toml_texts = st.text(max_size=200) | st.builds(
    lambda key, value: f"{key} = {json.dumps(value)}",
    st.sampled_from(["theme", "batch", "models", "layers", "devices", "image", "keys", "last", "columns", "keys.a"]),
    JSON,
)


@settings(max_examples=60)
@given(toml_texts)
@example("batch = 0x" + "f" * 9_000)
@example("batch = " + "9" * 9_000)
@example("a." * 100_000 + "a = 1")
@example("a = " + "[" * 100_000)
@example("".join(f"key{number} = 1\n" for number in range(20_000)))
@example("columns = [" + "'a'," * 100_000 + "]")
@example('models = ["\\u001b[2J"]')
@example("models = ['resnet18']\ndevices = ['" + "a" * 100_000 + "']")
def test_settings_and_presets_are_used_or_explained(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("odd") / "odd.toml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    found, sentences = load_settings(path)
    assert all(batch == "max" or batch >= 1 for batch in found.last.batch)
    assert all(sentence == visible(sentence) for sentence in sentences)
    try:
        load_preset(str(path))
    except CvbenchError as error:
        assert error.message == visible(error.message)  # noqa: PT017


@given(st.text(max_size=30) | st.from_regex(r"\d{1,400}(\.\d{1,400})?\s*[smh]?", fullmatch=True))
@example("9" * 5_000)
@example("9" * 400 + "h")
@example("1e400")
@example("\u0663s")  # a digit of another script
@example("nan")
@example("721h")
def test_a_duration_is_seconds_that_can_be_waited(text):
    option = click.Option(["--wait-idle"])
    try:
        seconds = _duration_s(click.Context(click.Command("run")), option, text)
    except SelectionError as error:
        assert error.message == visible(error.message)  # noqa: PT017
        return
    assert seconds is not None
    assert 0 <= seconds <= MAX_DURATION_S


@given(st.text(max_size=30))
@example("cuda:" + "9" * 5_000)
@example("\x1b[2J")
def test_names_are_found_or_explained(text):
    for find in (find_model, find_layer, check_device_name):
        try:
            find(text)
        except SelectionError as error:
            assert (error.message + error.hint).isprintable()  # noqa: PT017


@given(st.text(max_size=50))
@example("0-" + "9" * 5_000)
def test_a_list_of_cores_is_counted(text):
    assert isinstance(count_listed(text), int)


@given(st.text(max_size=40))
@example("=1+1")
@example("\t=1")
@example(" +1")
@example("a;=1")
@example("\r\n@SUM(A1)")
@example("\uff1d1")
def test_a_cell_is_text_to_a_spreadsheet_and_is_read_again(text):
    cell = safe_cell(text)
    assert not cell.lstrip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))
    assert not cell.startswith(("\t", "\r"))
    for piece in cell.split(";")[1:]:
        assert not piece.lstrip(" ").startswith(tuple("=+-@"))
    written = io.StringIO(newline="")
    csv.writer(written).writerow([cell, -1.5])
    assert next(csv.reader(io.StringIO(written.getvalue(), newline=""))) == [cell, "-1.5"]


@given(st.text(max_size=30))
@example("2026$(touch x)")
@example("2026`touch x`")
@example("a b")
@example("a;b")
@example("-rf")
@example("\x1b[2J")
@example("\u202e")
def test_only_names_that_a_shell_takes_as_they_are_are_offered(text):
    if _plain(text):
        assert not set(text) & set(" \t\n$`;&|<>()[]{}*?!#~'\"\\=%^@:,/")
        assert text.isprintable()
        assert not text.startswith("-")


@given(JSON)
@example(int("f" * 9_000, 16))
@example(math.nan)
def test_any_value_can_be_named(value):
    assert value_text(value).isprintable()


parameters = st.tuples(st.text(max_size=9), st.booleans() | st.integers() | st.floats() | st.text(max_size=9))
workloads = st.builds(
    Workload,
    st.sampled_from(["model", "layer"]),
    st.text(max_size=80),
    st.sampled_from(["resnet18", "conv2d", "linear", "deeplabv3_resnet50", "selftest_spin"]) | st.text(max_size=9),
    st.lists(st.integers(), max_size=4).map(tuple) | st.just((3, 224, 224)),
    st.lists(parameters, max_size=3).map(tuple),
)


@given(st.builds(Case, workloads, st.text(max_size=9) | st.just("cpu"), st.integers()))
def test_any_case_is_offered_or_refused_in_one_sentence(case):
    sentence = why_not_offered(case)
    assert sentence.isprintable()
    if not sentence:
        assert case.workload.op in ("resnet18", "linear", "conv2d")


@pytest.mark.parametrize("name", ["a" * 300, "\x00", "~nobody-of-that-name/x.toml", "/dev/null", "/dev/zero", "."])
def test_no_name_of_a_file_is_too_odd(name):
    for read in (lambda: load_preset(name), lambda: TomlFile(Path(name), "file", StoreError).read()):
        with pytest.raises((CvbenchError, FileNotFoundError)):
            read()
    with pytest.raises(StoreError):
        load(Path(name))
    assert load_settings(Path(name))[0].theme
