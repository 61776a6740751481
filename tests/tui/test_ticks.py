from __future__ import annotations

from cvbench_tui.tui.ticks import Item, Ticks


def ticks() -> Ticks:
    return Ticks(
        [
            Item("a", "alpha", group="first"),
            Item("b", "beta", group="second", words="nickname"),
            Item("c", "gamma", reason="not here"),
        ]
    )


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


def test_a_filter_hides_and_keeps_ticks() -> None:
    mine = ticks()
    mine.toggle("a")
    mine.needle = "NICK sec"
    assert [item.key for item in mine.shown] == ["b"]
    assert mine.ticked == ("a",)
    mine.invert_shown()
    assert mine.ticked == ("a", "b")
    mine.tick_shown(False)
    mine.needle = ""
    assert mine.ticked == ("a",)


def test_a_new_offer_drops_what_cannot_be_ticked() -> None:
    mine = Ticks()
    mine.offer([Item("cpu", "cpu"), Item("mps", "mps", reason="no")], ("cpu", "mps", "cuda:0"))
    assert mine.ticked == ("cpu",)
