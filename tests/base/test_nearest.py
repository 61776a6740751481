from __future__ import annotations

from cvbench_tui.base.nearest import name_key, nearest, quoted


def test_long_and_odd_text_is_cut_and_escaped():
    assert quoted("a\nb\x1b") == r"'a\nb\x1b'"
    assert len(quoted("x" * 10_000)) < 100
    assert quoted("Größe") == "'Größe'"


def test_nearest_of_nothing_is_empty():
    assert nearest("x", ()) == ""
    assert nearest("quik", ("quick", "edge")) == "Nearest: quick."


def test_names_are_compared_without_case_blanks_and_hyphens():
    assert name_key(" VGG16 BN") == name_key("vgg16-bn") == name_key("VGG16__bn") == "vgg16_bn"
    assert nearest("conv3x3", ("Conv3x3/1", "Dense"), 1) == "Nearest: Conv3x3/1."
    assert nearest("MD", (".md", ".csv"), 1) == "Nearest: .md."
    assert nearest("x.jsno", (".json",), 1, 0.9) == ""
