"""The list of models with timm's 1,366 in it, beside the list without: first frame, and from a letter of the filter to
what it draws, both in a terminal of 120x40, alternated in one run.

Neither needs timm: its list is shipped, and each side is told whether it is there. Letters of words are typed one by
one and erased again; each is one measurement of both sides, in turn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from app_idle import DRAWN, READY_TO_RUN, SETTLE_S, home
from metric import Metric
from terminal_session import TerminalSession

WORDS = ("resnet50", "vit_base", "mobilenet", "convnext t", "swin", "efficientnet_b", "rn18", "tiny 224")
ERASE = "\x7f"
START = (
    "import sys; from cvbench_tui.catalog import timm_list; timm_list.version = lambda: {}; "
    "from cvbench_tui.__main__ import main; sys.argv = ['cvbench-tui']; sys.exit(main())"
)
BAR_MS = 50.0
QUIET_S = 0.1  # behind a letter; the filter's cursor blinks for the first time after 0.5 s


def app(version: str | None) -> list[str]:
    """The app's command, where that timm is there, or none."""
    return [sys.executable, "-c", START.format(repr(version))]


LONG, SHORT = app("1.0.31"), app(None)


def first_frames(repeats: int) -> Metric:
    """From exec to the first full frame, in turn."""
    found: dict[int, list[float]] = {0: [], 1: []}
    for number in range(2 * repeats + 2):
        side = number % 2
        with home() as environment, TerminalSession((LONG, SHORT)[side], environment) as session:
            took = 1e3 * (session.wait_for(*DRAWN) - session.began_at)
        if number > 1:  # the first two fill the caches
            found[side].append(took)
    ratios = [one / other for one, other in zip(found[0], found[1], strict=True)]
    return Metric("first frame, with timm's list / without", ratios, "x", 1.1)


def filter_ms(words: Sequence[str]) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds from each letter to the first output it causes, of the long list and of the short; and of the
    processor for a letter, the mean of each side."""
    long_ms: list[float] = []
    short_ms: list[float] = []
    with (
        home() as one,
        home() as other,
        TerminalSession(LONG, one) as many,
        TerminalSession(SHORT, other) as few,
    ):
        for session in (many, few):
            session.wait_for(*READY_TO_RUN)
            session.send("1")
            session.wait_quiet(SETTLE_S)
            session.send("/")
            session.wait_quiet(QUIET_S)
        before = many.cpu_s(), few.cpu_s()
        for word in words:
            for key in (*word, *(ERASE for _ in word)):
                for session, found in ((many, long_ms), (few, short_ms)):
                    sent = session.send(key)
                    found.append(1e3 * (session.next_piece(since=sent) - sent))
                    session.wait_quiet(QUIET_S)
        used = [
            1e3 * (now - then) / len(long_ms) for now, then in zip((many.cpu_s(), few.cpu_s()), before, strict=True)
        ]
    return long_ms, short_ms, used


def main() -> int:
    """Take both and print them."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=5, help="of the first frame (default: %(default)s)")
    options = arguments.parse_args()
    figures = [first_frames(options.repeats)]
    ours, bare, used = filter_ms(WORDS)
    for name, place, bar in (("median", 0.5, None), ("95th of 100", 0.95, BAR_MS)):
        values = [sorted(values)[int(place * len(values))] for values in (ours, bare)]
        figures.append(
            Metric(f"letter of the filter to paint, {name}", values[:1], "ms", bar, values[1:], "without timm's")
        )
    figures.append(Metric("processor for a letter, mean", used[:1], "ms", None, used[1:], "without timm's"))
    for figure in figures:
        print(figure.line())
    return int(any(figure.verdict == "missed" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
