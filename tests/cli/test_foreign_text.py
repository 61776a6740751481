"""A run file with orders to a terminal, a shell and a spreadsheet in all its texts, through the real commands."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path

import pytest

from cvbench_tui.cli import main as cli
from tests.every import every
from tests.fuzz.shown import FORMULA, unseen
from tests.pseudo_terminal import PseudoTerminal

LINES = (Path(__file__).parents[1] / "data" / "good.jsonl").read_text().splitlines()
ORDERS = (
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31m",
    "\x9b2J",
    "\u202eabc\u2066",
    "\r\x08\x00",
    "=1+1\x1b[2J",
    "$(touch hit)\x1b[2J",
)
SHORT = (
    "id", "device", "kind", "stage", "phase", "method", "clock", "stop",
    "reason", "case_id", "framework", "op", "precision", "memory_format", "compile_mode",
)  # fmt: skip
"""Texts that are few words, of which others are refused, or that rows are found by: these stay."""


def poisoned(order: str) -> str:
    """The good run with the order behind each of its texts, as names, plan, sentences, versions, facts."""

    def odd(key: str, value: object) -> object:
        if isinstance(value, dict):
            return {name: odd(name, each) for name, each in value.items()}
        if isinstance(value, list):
            return [odd(key, each) for each in value]
        return f"{order}{value}" if isinstance(value, str) and key not in SHORT else value

    text = "\n".join(json.dumps(odd("", json.loads(line))) for line in LINES) + "\n"
    letters = json.dumps(order)[1:-1]  # a case's id has the workload's name in it
    return re.sub(r'("case_id": "(?:model|layer):)', lambda match: match[1] + letters, text)


@pytest.fixture
def type_(monkeypatch, capsys, tmp_path):
    """Type a command; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cvbench-tui", *arguments, "--runs-dir", str(tmp_path / "runs")])
        code = cli._exit_code()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    (tmp_path / "runs").mkdir()
    return run


@every("order", ORDERS)
def test_no_command_obeys_it(type_, tmp_path, order):
    path = tmp_path / "runs" / "foreign.jsonl"
    path.write_text(poisoned(order))
    for command in (
        ("list", "runs"),
        ("list", "runs", "--json"),
        ("show", "foreign"),
        ("show", "foreign", "--plain"),
        ("show", "foreign", "--layout", "full"),
        ("show", "foreign", "--layout", "original"),
        ("export", "foreign", "-o", "a.md", "-o", "a.csv", "-o", "a.json"),
    ):
        code, out, err = type_(*command)
        assert code == 0, err
        assert not unseen(out + err), command
    for name in ("a.md", "a.csv", "a.json"):
        assert not unseen((tmp_path / name).read_text())
    cells = [cell for row in csv.reader(io.StringIO((tmp_path / "a.csv").read_text())) for cell in row]
    assert any("Resnet18" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(FORMULA) and not re.fullmatch(r"-[\d.e-]+", cell)]


@every("order", ORDERS[:6])
def test_no_error_obeys_it(type_, tmp_path, order):
    """A kind, a word, a key and a file's name of that text: pydantic and the system repeat them."""
    head, tail = LINES[0], "\n".join(LINES[1:])
    odd = {"kind": order, "at_s": 1}
    wrong = json.dumps({"kind": "progress", "stage": order, "case_id": "a"})
    name = order.replace("\x00", "").replace("/", "")
    for text in (f"{head}\n{json.dumps(odd)}\n{tail}\n", f"{head}\n{wrong}\n{tail}\n", json.dumps(odd) + "\n"):
        path = tmp_path / "runs" / f"{name}.jsonl"
        path.write_text(text)
        for command in (("show", name), ("export", str(path), "-o", "a.md"), ("list", "runs"), ("show", "last")):
            code, out, err = type_(*command)
            assert (code, "Traceback" in err) in ((0, False), (2, False))
            assert not unseen(out + err), command
        path.unlink()
    code, _, err = type_("run", str(tmp_path / f"{name}.toml"))
    assert code == 2
    assert not unseen(err)


def test_on_a_terminal_its_table_gives_none(tmp_path):
    (tmp_path / "runs").mkdir()
    for number, order in enumerate(ORDERS[:3]):
        (tmp_path / "runs" / f"foreign{number}.jsonl").write_text(poisoned(order))
        terminal = PseudoTerminal("-m", "cvbench_tui", "show", f"foreign{number}", folder=tmp_path)
        try:
            assert terminal.end() == 0
            written = terminal.written.decode()
        finally:
            terminal.close()
        assert "Resnet18" in written
        assert not re.search("\x1b\\]|\x9b|\x07|\x1b\\[[0-9]*J|\x1b\\[31m", written)
