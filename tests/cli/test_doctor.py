"""The doctor's report, from an environment made for the test."""

from __future__ import annotations

import sys

import pytest

from cvbench_tui.base.cells import cell_len
from cvbench_tui.cli import doctor
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.facts import environment_id
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.errors import WorkerError
from cvbench_tui.results.machine_warnings import machine_warnings

QUIET = Environment(
    (("torch", "2.6"),),
    (Device("cpu", "a CPU", 2**33), Device("cuda:0", "a card", 2**34, uuid="GPU-1")),
    (
        ("torch_flags", ", ".join(f"switch_{number}=True" for number in range(12))),
        ("governor", "performance"),
        ("memory_total_bytes", 2**33),
        ("load_1min", 0.5),
        ("env.PYTORCH_NO_CUDA_MEMORY_CACHING", "1"),
        ("cuda:0.power_limit_w", 300.0),
        ("cuda:1.power_limit_w", 200.0),
        ("of_tomorrow", 5),
    ),
    "0123456789abcdef",
)
SPOILT = Environment((), QUIET.devices, (("governor", "powersave"), ("usable_cores", 2), ("cuda:0.mig", True)))


@pytest.fixture
def told(monkeypatch, capsys, tmp_path):
    """What is printed about an environment, with the exit code."""
    monkeypatch.setenv("COLUMNS", "80")

    def tell(answer: Environment | WorkerError) -> tuple[int, str]:
        def probe(_: LiveSource) -> Environment:
            if isinstance(answer, WorkerError):
                raise answer
            return answer

        monkeypatch.setattr(LiveSource, "probe", probe)
        code = doctor.report(str(tmp_path))
        return code, capsys.readouterr().out

    return tell


def section(text: str, title: str) -> list[str]:
    """The lines below a title."""
    lines = text.splitlines()
    start = lines.index(title) + 1
    end = next((place for place in range(start, len(lines)) if not lines[place].startswith(" ")), len(lines))
    return lines[start:end]


def test_every_line_fits_80_columns_and_ends_without_spaces(told):
    for environment in (QUIET, SPOILT):
        for line in told(environment)[1].splitlines():
            # A path, a command or a digest is not broken, so that it can be copied.
            assert len(line) <= 80 or " " not in line[30:]
            assert line == line.rstrip()


def test_nothing_found_is_said(told):
    code, out = told(QUIET)
    assert code == 0
    assert section(out, "Warnings")[0].split()[0] == "none"


def test_every_hazard_comes_with_what_to_do_and_the_last_thing_read_is_about_them(told):
    code, out = told(SPOILT)
    assert code == 0
    lines = section(out, "Warnings")
    text = " ".join(" ".join(lines).split())
    for hazard in machine_warnings(SPOILT):
        assert hazard.sentence in text
        assert hazard.remedy in text
    words = [line.strip().split("  ")[0] for line in lines if not line.startswith(" " * 20)]
    assert words == ["problem", "what to do", "problem", "what to do", "note", "what to do"]
    assert out.rstrip().endswith(lines[-1].strip())


def test_facts_are_grouped_and_those_of_the_identity_marked(told):
    out = told(QUIET)[1]
    assert section(out, "Processor's frequency") == ["  * governor                  performance"]
    assert section(out, "Memory") == ["    memory total              8.00 GiB"]
    assert section(out, "Card cuda:0") == ["  * power limit               300.0 W"]
    assert section(out, "Card cuda:1") == ["  * power limit               200.0 W"]
    assert section(out, "Other facts") == ["    of tomorrow               5"]
    assert section(out, "Measuring process") == ["  * env.PYTORCH_NO_CUDA_MEMORY_CACHING", " " * 30 + "1"]
    assert section(out, "Environment ID")[0].split() == ["cpu", environment_id(QUIET, "cpu")]


def test_an_environment_without_identity_has_a_dash(told):
    assert section(told(SPOILT)[1], "Environment ID")[0].split() == ["cpu", "-"]


def test_a_machine_where_nothing_can_be_measured_says_why(told):
    code, out = told(WorkerError("No torch here.", "Install it."))
    assert code == 1
    assert "No torch here." in out
    assert "Install it." in out
    assert "Warnings" not in out


def test_a_small_terminal_is_not_made_narrower_still(told, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    assert "governor                  performance" in told(QUIET)[1]


def test_python_and_packages_are_told(told):
    lines = section(told(QUIET)[1], "Program")
    assert any(sys.executable in line for line in lines)
    assert any("textual" in line for line in lines)


def test_texts_stay_aligned_beside_wide_labels(capsys):
    doctor._print("Files", iter([("runs", "first"), ("測試", "second"), ("測" * doctor.LABEL, "third")]))
    _, *lines = capsys.readouterr().out.splitlines()
    assert lines.pop(2) == f"  {'測' * doctor.LABEL}", "a long one is whole, on a line of its own"
    beside = [cell_len(line.partition(word)[0]) for line, word in zip(lines, ("first", "second", "third"), strict=True)]
    assert beside == [2 + doctor.LABEL] * 3
