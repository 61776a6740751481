"""Comparisons as one HTML page that asks nobody else: what differs, a table and the chart of each phase, the method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from cvbench_tui.base.escape import one_line
from cvbench_tui.results.compare import cells
from cvbench_tui.results.compare.cells import ComparisonTable
from cvbench_tui.results.compare.export.svg import chart
from cvbench_tui.results.compare.model import RunComparison

_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.25rem .75rem;text-align:left}
tr>*{border-bottom:1px solid #8c959f66}.right{text-align:right;white-space:nowrap}tfoot td{font-weight:600}
.faster{color:light-dark(#0a6f4e,#3fd0a0)}.slower{color:light-dark(#b4430f,#ff9b66)}svg{max-width:100%;height:auto}
""".replace("\n", "")


def render(comparisons: Sequence[RunComparison]) -> str:
    """The page of comparisons with one baseline."""
    title = "Comparison: " + " against ".join((_names(comparisons), comparisons[0].a.name))
    head = f'<meta charset="utf-8">\n<title>{_text(title)}</title>\n<style>{_STYLE}</style>'
    lines = ["<!doctype html>", '<html lang="en">', f"<head>\n{head}\n</head>", "<body>", f"<h1>{_text(title)}</h1>"]
    lines += _list(cells.about_lines(comparisons))
    for table in cells.tables(comparisons):
        lines.append(f"<h2>{_text(cells.title(comparisons, table.phase))}</h2>")
        lines += [*_table(table), *_list(list(cells.note_lines(table))), chart(comparisons, [table.phase])]
    lines += _list(cells.source_lines(comparisons))
    lines.append(f"<p>{_text(' '.join(cells.closing_lines(comparisons)))}</p>")
    return "\n".join([*lines, "</body>", "</html>"]) + "\n"


def _names(comparisons: Sequence[RunComparison]) -> str:
    return ", ".join(each.b.name for each in comparisons)


def _text(text: str) -> str:
    return escape(one_line(text))


def _list(lines: Sequence[str]) -> list[str]:
    items = [f"<li>{_text(line)}</li>" for line in lines]
    return ["<ul>", *items, "</ul>"] if items else []


def _table(table: ComparisonTable) -> Iterator[str]:
    yield "<table>"
    yield f"<thead>{_row([heading for heading, _ in table.headings], table, 'th')}</thead>"
    yield "<tbody>"
    for line in table.lines:
        told = [each for each in line.verdicts if each in ("faster", "slower")]
        yield _row(line.texts, table, "td", told[0] if len(told) == len(line.verdicts) == 1 else "")
    yield "</tbody>"
    for line in table.foot:
        yield f"<tfoot>{_row(line.texts, table, 'td')}</tfoot>"
    yield "</table>"


def _row(texts: Sequence[str], table: ComparisonTable, tag: str, told: str = "") -> str:
    """``told``: what the last cell is coloured by, besides saying it."""
    made = []
    for place, (text, (_, right)) in enumerate(zip(texts, table.headings, strict=True)):
        kind = "right" if right else told if place == len(texts) - 1 else ""
        style = f' class="{kind}"' if kind else ""
        made.append(f"<{tag}{style}>{_text(text)}</{tag}>")
    return f"<tr>{''.join(made)}</tr>"
