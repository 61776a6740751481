"""What cannot be read is empty, never an error."""

from __future__ import annotations

import pytest

from cvbench_tui.base.system_files import CPUINFO_CHARACTERS, cpuinfo, read_head, read_int, read_text


@pytest.mark.parametrize(
    ("content", "text", "number"),
    [(b"800000\n", "800000", 800000), (b" -7 \n", "-7", -7), (b"Box 9\0", "Box 9", None), (b"", "", None)],
)
def test_a_file_is_its_text_and_its_number(tmp_path, content, text, number):
    file = tmp_path / "file"
    file.write_bytes(content)
    assert (read_text(file), read_int(file), read_head(file)) == (text, number, content)


def test_a_number_in_another_unit(tmp_path):
    (tmp_path / "khz").write_text("800\n")
    assert read_int(tmp_path / "khz", 1000) == 800_000


def test_what_cannot_be_read_is_empty(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        assert (read_text(path), read_int(path), read_head(path)) == ("", None, b"")


def test_bytes_that_are_no_text_are_no_error(tmp_path):
    (tmp_path / "odd").write_bytes(b"a\xff")
    assert read_text(tmp_path / "odd").startswith("a")


def test_of_cpuinfo_only_the_first_core_is_read(tmp_path):
    (tmp_path / "proc").mkdir()
    first = "processor\t: 0\ncpu MHz\t\t: 2000.5\n"
    later = "cpu MHz\t\t: 900.0\nflags\t: late\n"
    (tmp_path / "proc/cpuinfo").write_text(first + "x" * CPUINFO_CHARACTERS + "\n" + later)
    found = [cpuinfo(key, tmp_path) for key in ("cpu MHz", "flags", "MHz")]
    assert found == ["2000.5", "", ""]
    assert cpuinfo("flags", tmp_path / "none") == ""
