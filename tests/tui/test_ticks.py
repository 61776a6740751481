from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.tui.state.checklist_model import ChecklistModel, Item
from cvbench_tui.tui.state.fuzzy_match import INSIDE, MAX_LETTERS, PIECES, SCATTERED, START, Text, fold
from cvbench_tui.tui.state.selection import PlanSelection


def ticks() -> ChecklistModel:
    return ChecklistModel(
        [
            Item("a", "alpha", group="first"),
            Item("b", "beta", group="second", words="nickname"),
            Item("c", "gamma", reason="not here"),
        ]
    )


def families() -> ChecklistModel:
    """``one`` comes up twice; ``e`` cannot be ticked."""
    pairs = [("a", "one"), ("b", "two"), ("c", "one"), ("d", "one"), ("e", "two")]
    return ChecklistModel([Item(key, key * 2, group=group, reason="no" if key == "e" else "") for key, group in pairs])


def lines(mine: ChecklistModel) -> list[str]:
    return [line.item.key if line.item else line.group for line in mine.lines]


def test_ticks_come_in_the_lists_order() -> None:
    mine = ticks()
    mine.toggle("b")
    mine.toggle("a")
    assert mine.ticked == ("a", "b")


def test_what_is_not_here_cannot_be_ticked() -> None:
    mine = ticks()
    mine.toggle("c")
    mine.tick_shown(True)
    assert mine.ticked == ("a", "b")
    assert mine.able == 2


def test_a_filter_hides_and_keeps_ticks() -> None:
    mine = ticks()
    mine.toggle("a")
    mine.filter_text = "NICK sec"
    assert [item.key for item in mine.shown] == ["b"]
    assert mine.ticked == ("a",)
    assert mine.hidden_ticked == 1
    mine.invert_shown()
    assert mine.ticked == ("a", "b")
    mine.tick_shown(False)
    mine.filter_text = ""
    assert mine.ticked == ("a",)
    assert mine.hidden_ticked == 0


def test_a_new_offer_drops_what_cannot_be_ticked() -> None:
    mine = ChecklistModel()
    mine.offer([Item("cpu", "cpu"), Item("mps", "mps", reason="no")], ("cpu", "mps", "cuda:0"))
    assert mine.ticked == ("cpu",)


def test_a_new_offer_answers_the_same_filter() -> None:
    mine = ticks()
    mine.filter_text = "bet"
    mine.offer([Item("x", "x"), Item("y", "better")], ())
    assert [item.key for item in mine.shown] == ["y"]


def test_a_family_stands_together_under_one_heading() -> None:
    mine = families()
    assert lines(mine) == ["one", "a", "c", "d", "two", "b", "e"]
    assert mine.groups == ("one", "two")


def test_a_folded_family_is_its_heading_and_a_filter_looks_into_it() -> None:
    mine = families()
    mine.fold("one")
    mine.fold("no family")
    assert lines(mine) == ["one", "two", "b", "e"]
    mine.filter_text = "cc"
    assert lines(mine) == ["one", "c"]
    mine.filter_text = " "
    assert lines(mine) == ["one", "two", "b", "e"]
    mine.unfold("one")
    assert mine.folded == set()
    mine.fold_all()
    assert lines(mine) == ["one", "two"]
    mine.fold_all(but=["two"])
    assert lines(mine) == ["one", "two", "b", "e"]
    mine.unfold_all()
    assert len(lines(mine)) == 7


def test_all_ticks_folded_families_too_and_their_ticks_count_as_hidden() -> None:
    mine = families()
    mine.fold("one")
    mine.tick_shown(True)
    assert mine.ticked == ("a", "b", "c", "d")
    assert mine.hidden_ticked == 3
    assert mine.ticked_of("one") == (3, 3)


def test_a_family_is_ticked_whole_and_unticked_only_when_it_is_whole() -> None:
    mine = families()
    assert mine.group_state("one") == "none"
    mine.toggle("c")
    assert mine.group_state("one") == "some"
    mine.toggle_group("one")
    assert (mine.group_state("one"), mine.ticked) == ("all", ("a", "c", "d"))
    mine.toggle_group("one")
    assert mine.ticked == ()
    mine.toggle_group("two")
    assert (mine.group_state("two"), mine.ticked) == ("all", ("b",)), "what cannot be ticked is not missed"


def test_a_family_under_a_filter_is_what_the_filter_shows_of_it() -> None:
    mine = families()
    mine.filter_text = "cc"
    mine.toggle_group("one")
    assert mine.ticked == ("c",)
    assert mine.group_state("one") == "all"
    mine.filter_text = ""
    assert mine.group_state("one") == "some"


FOUND = [
    ("resnet18", "Resnet18", START, "Resnet18"),
    ("net", "Resnet18", INSIDE, "net"),
    ("bn", "vgg11_bn", START, "bn"),
    ("effb0", "efficientnet_b0", PIECES, "effb0"),
    ("vb16", "vit_b_16", PIECES, "vb16"),
    ("bn", "BatchNorm", PIECES, "BN"),
    ("rn18", "Resnet18", SCATTERED, "Rn18"),
    ("sw2t", "swin_v2_t", PIECES, "sw2t"),
]
NOT_FOUND = [
    ("resnet18", "resnext101_32x8d"),  # six letters between: another model
    ("rd", "resnet with a long description"),  # spans the whole text
    ("tnet", "Resnet_thing"),  # scattered from the middle of a word
    ("x", "Resnet18"),
    ("ba", "ab"),
]


def test_a_word_is_found_as_well_as_it_can_be() -> None:
    matches = [(word, text, Text(text).find(word)) for word, text, _, _ in FOUND]
    assert [
        (word, text, match.kind, "".join(text[at] for at in match.positions)) if match else (word, text)
        for word, text, match in matches
    ] == FOUND


def test_what_is_no_match() -> None:
    assert [(word, text) for word, text in NOT_FOUND if Text(text).find(word) is not None] == []


@given(st.text(max_size=30), st.text(min_size=1, max_size=8))
def test_positions_are_the_words_letters_in_their_order(text: str, word: str) -> None:
    match = Text(text).find(fold(word))
    assert (match is not None) >= (fold(word) in fold(text))
    if match is not None:
        assert "".join(fold(text)[at] for at in match.positions) == fold(word)
        assert list(match.positions) == sorted(set(match.positions))


def test_the_longest_text_is_looked_at_in_part_and_never_in_every_way() -> None:
    """Textual's matcher takes 6 million alignments for the second of these, this one 30 steps a letter."""
    assert Text("x" * MAX_LETTERS + "filter_text").find("filter_text") is None
    assert Text("a" * 30 + " b").find("aaaaaaaab") is None


def test_letters_that_grow_when_folded_keep_their_places() -> None:
    match = Text("stra\u00dfe \u0130 end").find("end")
    assert match is not None
    assert match.positions == (9, 10, 11)


def test_order_is_the_lists_and_the_score_says_which_was_meant() -> None:
    models = PlanSelection().models
    models.filter_text = "resnet50"
    assert [item.name for item in models.shown] == ["Resnet50", "resnext50_32x4d", "wide_resnet50_2"]
    scores = [models.score(item) for item in models.shown]
    assert scores[0] == max(scores) > scores[1]


def test_every_word_is_wanted_in_any_place() -> None:
    models = PlanSelection().models
    models.filter_text = "vgg bn"
    assert [item.name for item in models.shown] == ["VGG16 BN", "VGG19 BN", "vgg11_bn", "vgg13_bn"]
    assert [models.match(item) for item in models.shown[:1]] == [(0, 1, 2, 6, 7)]
    models.filter_text = "swin v2"
    assert len(models.shown) == 3


def test_a_word_of_the_description_finds_and_marks_nothing_in_the_name() -> None:
    layers = PlanSelection().layers
    layers.filter_text = "depthwise"
    assert {"Depthwise 3x3", "Depthwise 7x7"} <= {item.name for item in layers.shown}
    layers.filter_text = LAYERS[-1].description.split()[-1]
    assert layers.match(layers.items[-1]) == () or layers.items[-1] in layers.shown
    layers.filter_text = ""
    assert all(layers.match(item) == () for item in layers.items)
