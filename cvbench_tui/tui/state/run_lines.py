"""A saved run as its line of the list, as the sentence below it, and as the text that the filter looks at."""

from __future__ import annotations

from textual.content import Content

from cvbench_tui.base.escape import one_line
from cvbench_tui.results.storage.run_filter import searched
from cvbench_tui.results.storage.run_index import RunSummary
from cvbench_tui.tui.state.run_state import moment
from cvbench_tui.tui.widgets.choices import fitted

UNNAMED = "selection"  # name of a plan that is no preset: it says nothing


def line(run: RunSummary, cells: int) -> Content:
    """A run in a line, what it is in so many cells; one that cannot be read with its problem."""
    if run.problem:
        return Content.assemble((f"{one_line(run.name)}: {one_line(run.problem)}", "$text-error"))
    return Content.assemble(
        (f"{moment(run.started_at_s):<18}", "bold"),
        f"{fitted(what(run), cells)}  ",
        (run.state, "" if run.ended == "finished" else "$text-warning"),
        f": {run.counts.text}",
    )


def what(run: RunSummary) -> str:
    """``nightly: Resnet18, VGG16 +7 on RTX 4090, fp32/bf16``: the user's name or the preset's, and what is measured."""
    called = run.label or (run.plan_name if run.plan_name != UNNAMED or not run.contents.text else "")
    return ": ".join(text for text in (called, run.contents.text) if text)


def about(run: RunSummary) -> str:
    """The sentence about a run: all of what its line is cut from, its tags and its file."""
    tags = f"   tags {', '.join(run.tags)}" if run.tags else ""
    return f"{what(run)}{tags}   {run.name}"


def filter_text(run: RunSummary) -> str:
    """What the filter looks at."""
    return searched(run, f"{moment(run.started_at_s)} {run.state}: {run.counts.text}")
