"""As ``test_hostile``, for what only a run file of another program has odd: device, framework, protocol, facts."""

from __future__ import annotations

import dataclasses

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.detail.row import detail_text
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.markdown_short import render_short
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.rerun_command import command_line
from tests.every import every
from tests.results.samples import measurement, plan, run_of
from tests.results.test_hostile import PARSER, VIEWS, each_string, unseen

READ_AS_MARKDOWN = {"html_block", "html_inline", "fence", "code_block", "hr", "link_open", "image", "em_open", "s_open"}


def poisoned(text: str) -> Run:
    """A measured and a failed row with that text in every axis."""
    layer, network = (Workload(kind, text, text, (3, 8, 8), (("x", text),)) for kind in ("layer", "model"))
    newer = (text, text), ("precision", text)
    cases = Case(layer, text, 8, text), Case(network, text, 4, text), Case(network, text, 4, text, newer)
    whole = plan(*cases, name=text)
    whole = dataclasses.replace(whole, protocol=dataclasses.replace(whole.protocol, name=text))
    device = Device(text, text, 1, detail=text, uuid=text, reason=text)
    environment = Environment(((text, text),), (device,), ((text, text), (f"{text}.{text}", text)))
    failed = Failure(cases[1].case_id, "error", text, text)
    return run_of(whole, measurement(cases[0], 0.1), failed, measurement(cases[2], 0.1), environment=environment)


def kinds(markdown: str) -> set[str]:
    """What a parser makes of it."""
    tokens = PARSER.parse(markdown)
    return {token.type for token in tokens} | {child.type for token in tokens for child in token.children or []}


@each_string
@every("view", VIEWS, ids=str)
def test_in_markdown_no_axis_is_read_as_markdown(hostile: str, view) -> None:
    run = poisoned(hostile)
    texts = [render(run, "short", view), render(run, "original", view), render(run, "full", view)]
    texts[0] = texts[0].partition("<details>")[0]
    for text in (*texts, render_short(run, view, run.plan.cases[0].case_id)):
        assert not unseen(text)
        assert not kinds(text) & READ_AS_MARKDOWN


@each_string
def test_as_text_no_axis_is_obeyed(hostile: str) -> None:
    run = poisoned(hostile)
    assert not unseen(sentences(run)) - {"\t"}
    for case in run.plan.cases:
        line = command_line(run, case)
        assert line.startswith("No command repeats this row: ")
        assert not unseen(line)
        assert "\n" not in line
        assert len(line) < 200
        assert not unseen(detail_text(run, case.case_id)) - {"\t"}
