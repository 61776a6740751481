from __future__ import annotations

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cvbench_tui.base.escape import escape, escape_start, one_line, visible
from tests.every import every

HARD = [
    "a|b", "`code`", "[link](x)", "<b>bold</b>", "*a* _b_ __c__", "a\\|b", "\\", "a\nb", " lead", "trail ", "  ",
    "vgg16_bn", "_x_", "# no heading", "- no item", "1. no list", "> no quote", "&amp;", "&#35;", "~~gone~~",
    "![image](x)", "$x$", "https://x.y", "<!-- -->", "a\r\nb\tc", "| a | b |", "---", "===", "+", "\u00a0x\u00a0",
    "x\u2028y", "``", "\\`", "<http://x>", "a`b|c`d", "1)", "*", "-", "",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(alphabet="ab_*`[]()<>&|~$#\\!-+=.:;1 \t\n\r\"'/", max_size=12),
    st.text(max_size=20),
)


PARSER = MarkdownIt("commonmark").enable("table")


def inlines(markdown: str) -> list[Token]:
    return [token for token in PARSER.parse(markdown) if token.type == "inline"]


def shown(inline: Token) -> str:
    """What a reader sees; anything but plain text in it is a mistake."""
    children = inline.children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    return "".join(child.content for child in children)


def parsed_cell(text: str) -> str:
    cells = [shown(inline) for inline in inlines(f"|A|B|\n|:---:|:---:|\n|{escape(text)}|end|\n")]
    assert len(cells) == 4, "the text split or swallowed a cell"
    assert (cells[:2], cells[3]) == (["A", "B"], "end")
    return cells[2]


@every("text", HARD)
def test_hard_texts_stay_right_in_a_cell(text: str) -> None:
    assert parsed_cell(text) == visible(text)


@settings(max_examples=300)
@given(TEXTS)
@example("\\|")
@example("a\\\\|")
def test_any_text_stays_right_in_a_cell(text: str) -> None:
    assert parsed_cell(text) == visible(text)


@settings(max_examples=300)
@given(TEXTS)
def test_any_text_stays_right_in_a_list_and_stays_one_item(text: str) -> None:
    markdown = f"* {escape_start(text or 'x')}\n* end\n"
    assert [shown(inline) for inline in inlines(markdown)] == [visible(text or "x"), "end"]
    assert [token.type for token in PARSER.parse(markdown)].count("list_item_open") == 2


@given(TEXTS)
def test_any_text_stays_right_in_a_heading(text: str) -> None:
    (inline,) = inlines(f"## CPU USED --- {escape(text)}.\n")
    assert shown(inline) == f"CPU USED --- {visible(text)}."


def test_plain_names_are_left_as_they_are() -> None:
    for name in ("VGG16 BN", "vgg16_bn", "Conv3x3/1", "Intel(R) Xeon(R) CPU @ 2.20GHz", "-", "24.51 ms \u00b11.2%"):
        assert escape(name) == name


def test_what_cannot_be_seen_is_written_out_and_never_obeyed() -> None:
    assert visible("a\x1b[31mb\x00\x9b\ud800") == "a\\x1b[31mb\\x00\\x9b\\ud800"
    for code in (
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        0x200E,
        0x200F,
        0x061C,
        0x200B,
        0x200D,
        0xFEFF,
        0x2028,
    ):
        assert visible(f"a{chr(code)}b") == f"a\\u{code:04x}b"
    assert visible("\U000e0041") == "\\U000e0041"
    assert visible("a\rb\x85c\x0bd") == "a\\x0db\\x85c\\x0bd"


def test_of_all_characters_none_is_left_that_cannot_be_seen() -> None:
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    everything = "".join(letter for letter in map(chr, range(0x110000)) if unicodedata.category(letter) in unseen)
    assert one_line(everything).isascii()
    left = "".join(letter for letter in map(chr, range(0x110000)) if unicodedata.category(letter)[0] in "LMNPS")
    assert visible(left) == left


def test_what_can_be_seen_is_left_alone() -> None:
    for text in (
        "",
        "\u6a21\u578b",
        "caf\u00e9 e\u0301",
        "\u05d0\u05d1",
        "a b",
        "a\u00a0b",
        "\U0001f600",
        "two\nlines\tand",
    ):
        assert visible(text) == text
    assert one_line("two\nlines\tand") == "two\\nlines\\tand"


@settings(max_examples=200)
@given(st.text(alphabet=st.characters(codec=None), max_size=40))
def test_nothing_unseen_is_left_and_a_second_time_changes_nothing(text: str) -> None:
    shown = one_line(text)
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible(shown) == shown
