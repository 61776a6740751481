"""What the terminal can show, by the environment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cvbench_tui.terminal import Terminal, look
from tests.every import every


@every(
    ("environ", "only_ascii"),
    [
        ({}, False),
        ({"LANG": ""}, False),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "de_DE.utf8@euro"}, False),
        ({"LC_CTYPE": "en_GB.UTF-8"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "POSIX"}, True),
        ({"LANG": "de_DE"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "C.UTF-8", "LC_CTYPE": "C", "LANG": "C"}, False),
        ({"LC_ALL": "", "LC_CTYPE": "C", "LANG": "en_US.UTF-8"}, True),
        ({"LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, False),
    ],
)
def test_the_effective_locale_decides(environ: dict[str, str], only_ascii: bool) -> None:
    assert look(environ).ascii is only_ascii
    assert look(environ, "on").ascii
    assert not look(environ, "off").ascii


@every(
    ("encoding", "only_ascii"),
    [
        (None, False), ("utf-8", False), ("UTF8", False),
        ("ascii", True), ("latin-1", True), ("cp1252", True), ("nonsense", True), ("hex", True),
    ],
)  # fmt: skip
def test_what_the_stream_cannot_carry_is_not_drawn(encoding: str | None, only_ascii: bool) -> None:
    assert look({"LANG": "en_US.UTF-8"}, encoding=encoding).ascii is only_ascii


def test_colour_distance_and_multiplexer() -> None:
    assert look({}) == Terminal(ascii=False, colour=True, remote=False, multiplexer="")
    assert not look({"NO_COLOR": "1"}).colour
    assert look({"NO_COLOR": ""}).colour
    assert look({"SSH_TTY": "/dev/pts/1"}).remote
    assert look({"SSH_CONNECTION": "::1 1 ::1 22"}).remote
    assert look({"TMUX": "/tmp/tmux-0/default,1,0"}).multiplexer == "tmux"
    assert look({"STY": "1.pts-0.host"}).multiplexer == "screen"


@pytest.mark.skipif(sys.platform != "linux", reason="how Python treats the C locale differs elsewhere")
@pytest.mark.parametrize(("locale", "only_ascii"), [("C", True), ("C.UTF-8", False), (None, False)])
def test_pythons_own_lc_ctype_is_not_the_users(locale: str | None, only_ascii: bool) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    environ |= {"LANG": locale} if locale else {}
    code = "import os; from cvbench_tui.terminal import look; print(look(os.environ).ascii)"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(only_ascii)
