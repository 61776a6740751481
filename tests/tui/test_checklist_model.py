from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.tui.state.checklist_model import MAX_LETTERS, ChecklistModel, Item
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
    assert len(mine.able) == 2


def test_a_filter_hides_and_keeps_ticks() -> None:
    mine = ticks()
    mine.toggle("a")
    mine.search("NICK sec")
    assert [item.key for item in mine.shown] == ["b"]
    assert mine.ticked == ("a",)
    assert mine.hidden_ticked == 1
    mine.tick_shown(None)
    assert mine.ticked == ("a", "b")
    mine.tick_shown(False)
    mine.search("")
    assert mine.ticked == ("a",)
    assert mine.hidden_ticked == 0


def test_a_new_offer_drops_what_cannot_be_ticked() -> None:
    mine = ChecklistModel()
    mine.offer([Item("cpu", "cpu"), Item("mps", "mps", reason="no")], ("cpu", "mps", "cuda:0"))
    assert mine.ticked == ("cpu",)


def test_a_new_offer_answers_the_same_filter() -> None:
    mine = ticks()
    mine.search("bet")
    mine.offer([Item("x", "x"), Item("y", "better")], ())
    assert [item.key for item in mine.shown] == ["y"]


def test_a_family_stands_together_under_one_heading() -> None:
    mine = families()
    assert lines(mine) == ["one", "a", "c", "d", "two", "b", "e"]
    assert mine.groups == ("one", "two")


def test_a_folded_family_is_its_heading_and_a_filter_looks_into_it() -> None:
    mine = families()
    mine.folded.add("one")
    mine.folded.add("")
    assert lines(mine) == ["one", "two", "b", "e"]
    mine.search("cc")
    assert lines(mine) == ["one", "c"]
    mine.search(" ")
    assert lines(mine) == ["one", "two", "b", "e"]
    mine.folded = set(mine.groups)
    assert lines(mine) == ["one", "two"]
    mine.folded.discard("two")
    assert lines(mine) == ["one", "two", "b", "e"]
    mine.folded.clear()
    assert len(lines(mine)) == 7


def test_all_ticks_folded_families_too_and_their_ticks_count_as_hidden() -> None:
    mine = families()
    mine.folded.add("one")
    mine.tick_shown(True)
    assert mine.ticked == ("a", "b", "c", "d")
    assert mine.hidden_ticked == 3
    assert mine.ticked_of("one") == (3, 3)


def test_a_family_is_ticked_whole_and_unticked_only_when_it_is_whole() -> None:
    mine = families()
    assert mine.ticked_of("one") == (0, 3)
    mine.toggle("c")
    assert mine.ticked_of("one") == (1, 3)
    mine.toggle_group("one")
    assert (mine.ticked_of("one"), mine.ticked) == ((3, 3), ("a", "c", "d"))
    mine.toggle_group("one")
    assert mine.ticked == ()
    mine.toggle_group("two")
    assert (mine.ticked_of("two"), mine.ticked) == ((1, 1), ("b",)), "what cannot be ticked is not missed"


def test_a_family_under_a_filter_is_what_the_filter_shows_of_it() -> None:
    mine = families()
    mine.search("cc")
    mine.toggle_group("one")
    assert mine.ticked == ("c",)
    assert mine.ticked_of("one") == (1, 1)
    mine.search("")
    assert mine.ticked_of("one") == (1, 3)


BEST = {
    "res50": "Resnet50",
    "resnet 50": "Resnet50",
    "rn18": "Resnet18",
    "vgg16bn": "VGG16 BN",
    "vgg16 bn": "VGG16 BN",
    "vgg11_bn": "vgg11_bn",
    "convnext t": "convnext_tiny",
    "convnextt": "convnext_tiny",
    "vit b 16": "vit_b_16",
    "vit_b_16": "vit_b_16",
    "vb16": "vit_b_16",
    "effb0": "efficientnet_b0",
    "EfficientNet v2 s": "efficientnet_v2_s",
    "sw2t": "swin_v2_t",
    "mbv2": "mobilenet_v2",
    "dense121": "densenet121",
    "wide 101": "wide_resnet101_2",
    "google": "googlenet",
}
"""What people type, and the model they mean."""


def names(model: ChecklistModel, filter_text: str) -> list[str]:
    """What is shown, the best first, else in the list's order."""
    model.search(filter_text)
    return [item.name for item in sorted(model.shown, key=lambda item: -model.match(item).score)]


def test_the_best_is_the_model_that_was_meant() -> None:
    models = PlanSelection().models
    assert {text: next(iter(names(models, text)), None) for text in BEST} == BEST


def test_what_is_no_match() -> None:
    models = PlanSelection().models
    assert names(models, "resnet18") == ["Resnet18"], "not resnext101_32x8d, which has these letters, too"
    for text in ("xyz", "81tenser", "resnet18 vgg"):
        assert names(models, text) == []


def marked(model: ChecklistModel, name: str, filter_text: str) -> str:
    model.search(filter_text)
    (item,) = (item for item in model.items if item.name == name)
    return "".join(item.name[at] for at in sorted(model.match(item).positions))


def test_the_letters_that_were_found_are_marked() -> None:
    models = PlanSelection().models
    assert marked(models, "Resnet18", "rn18") == "Rn18"
    assert marked(models, "vit_b_16", "vb16") == "vb16"
    assert marked(models, "VGG16 BN", "vgg bn") == "VGGBN"
    assert marked(models, "VGG16", "bn") == "", "it is not shown"


@given(st.text(max_size=30), st.text(min_size=1, max_size=8))
def test_whatever_is_typed_and_listed_marks_letters_of_the_name(name: str, filter_text: str) -> None:
    mine = ChecklistModel([Item("a", name)])
    mine.search(filter_text)
    assert bool(mine.shown) >= (filter_text.casefold() == name.casefold())
    found = sorted(mine.match(mine.items[0]).positions)
    if len(filter_text.split()) == 1 and len(name.lower()) == len(name):
        letters = "".join(name[at] for at in found).lower()
        assert letters.replace("_", " ") in ("", filter_text.strip().lower().replace("_", " "))


def test_the_longest_name_is_looked_at_in_part() -> None:
    """Textual tries every alignment: of ten in 100 letters there are 10^13."""
    mine = ChecklistModel([Item("a", "ab" * 10 + "x" * MAX_LETTERS + "end")])
    mine.search("xend")
    assert mine.shown == ()
    mine.search("aaaaaaaaaa")
    assert len(mine.shown) == 1


def test_order_is_the_lists_and_the_score_says_which_was_meant() -> None:
    models = PlanSelection().models
    models.search("resnet50")
    assert [item.name for item in models.shown][:3] == ["Resnet50", "wide_resnet50_2", "fasterrcnn_resnet50_fpn"]
    scores = [models.match(item).score for item in models.shown]
    assert scores[0] == max(scores) > max(scores[1:])


def test_every_word_is_wanted_in_any_place() -> None:
    models = PlanSelection().models
    models.search("vgg bn")
    assert [item.name for item in models.shown] == ["VGG16 BN", "VGG19 BN", "vgg11_bn", "vgg13_bn"]
    models.search("swin v2")
    assert len(models.shown) == 3


def test_a_word_of_the_description_finds_and_marks_nothing_in_the_name() -> None:
    layers = PlanSelection().layers
    layers.search("depthwise")
    assert {"Depthwise 3x3", "Depthwise 7x7"} <= {item.name for item in layers.shown}
    layers.search(LAYERS[-1].description.split()[-1])
    assert layers.items[-1] in layers.shown
    layers.search("")
    assert all(not layers.match(item).positions for item in layers.items)
