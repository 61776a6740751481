"""A trend as a file: markdown, CSV, JSON, or a picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from html import escape as in_xml
from pathlib import Path

from cvbench_tui.base.atomic import check_destination, write_atomically
from cvbench_tui.base.escape import escape, one_line, paired
from cvbench_tui.results.export.csv import safe_cell
from cvbench_tui.results.text.units import relative_text, scale_for
from cvbench_tui.results.trend.build import Trend
from cvbench_tui.results.trend.text import limits, moment, notes, title

SCHEMA = 1  # of the JSON
LINE, MARGIN, CHART, TEXT = 24, 16, 420, 380  # pixels: height of a line, margin, width of the chart and of its texts


def as_markdown(trend: Trend) -> str:
    """A table with a line for each run."""
    scale = scale_for([point.seconds for point in trend.points])
    lines = [
        f"### {escape(title(trend))}", "",
        f"| Date (UTC) | Run | {trend.phase.capitalize()} {scale.unit} | 95% CI | Grade | | Changed |",
        "|:-----------|:----|---:|---:|:-:|:--|:--|",
    ]  # fmt: skip
    for each in trend.points:
        cells = (
            moment(each.at_s), each.name, scale.number(each.seconds, each.relative), relative_text(each.relative),
            each.grade, each.step, "; ".join(each.changes),
        )  # fmt: skip
        lines.append(f"| {' | '.join(escape(one_line(cell)) for cell in cells)} |")
    lines += ["", *(escape(note) for note in notes(trend))]
    return "\n".join(lines).rstrip() + "\n"


def as_csv(trend: Trend) -> str:
    """A line for each run, in seconds."""
    text = io.StringIO()
    names = ("at_s", "run_id", "run", "batch", "seconds", "low_s", "high_s", "grade", "step", "changes")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for each in trend.points:
        values = (
            each.at_s, each.run_id, each.name, each.batch, each.seconds, *_interval(each.relative, each.low_s,
            each.high_s), each.grade, each.step, "; ".join(each.changes),
        )  # fmt: skip
        writer.writerow([safe_cell(value) for value in values])
    return text.getvalue()


def _interval(relative: float | None, low_s: float, high_s: float) -> tuple[float | None, float | None]:
    return (None, None) if relative is None else (low_s, high_s)


def as_json(trend: Trend) -> str:
    """Everything, in seconds."""
    known = asdict(trend)
    for each, point in zip(known["points"], trend.points, strict=True):
        each["path"] = str(point.path)
        each["low_s"], each["high_s"] = _interval(point.relative, point.low_s, point.high_s)
    return paired(json.dumps({"schema": SCHEMA, **known}, indent=1, allow_nan=False)) + "\n"


def as_svg(trend: Trend) -> str:
    """The chart as a picture: a line for each run, its interval and its number; what changed stands above its line."""
    low_s, high_s = limits(trend)
    scale = scale_for([point.seconds for point in trend.points])

    def across(seconds: float) -> float:
        return MARGIN + TEXT + CHART * (seconds - low_s) / (high_s - low_s)

    shapes: list[str] = []
    y = MARGIN + LINE

    def write(x: float, words: str, anchor: str = "start", colour: str = "#1f2328") -> None:
        shown = in_xml(one_line(words))
        shapes.append(f'<text x="{x:.1f}" y="{y + 4}" text-anchor="{anchor}" fill="{colour}">{shown}</text>')

    write(MARGIN, title(trend))
    y += LINE
    write(across(low_s), scale.text(low_s, digits=3), "start", "#59636e")
    write(across(high_s), scale.text(high_s, digits=3), "end", "#59636e")
    for each in trend.points:
        y += LINE
        if each.changes:
            write(MARGIN, f"changed: {'; '.join(each.changes)}", colour="#9a6700")
            y += LINE
        number = f"{scale.text(each.seconds, each.relative)} {each.step}".strip()
        write(MARGIN, f"{moment(each.at_s)}  {each.name[:24]}")
        write(MARGIN + TEXT - 12, number, "end")
        ends = f'x1="{across(each.low_s):.1f}" x2="{across(each.high_s):.1f}" y1="{y}" y2="{y}"'
        shapes.append(f'<line {ends} stroke="#0969da" stroke-width="2"/>')
        fill = "#0969da" if each.valid else "none"
        shapes.append(f'<circle cx="{across(each.seconds):.1f}" cy="{y}" r="4" fill="{fill}" stroke="#0969da"/>')
    wide, high = 2 * MARGIN + TEXT + CHART, y + LINE + MARGIN
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="13"'
    back = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join((f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', back, *shapes, "</svg>\n"))


FORMATS: dict[str, Callable[[Trend], str]] = {".md": as_markdown, ".csv": as_csv, ".json": as_json, ".svg": as_svg}


def check_file(path: Path) -> None:
    """Raise StoreError for a file that cannot be written."""
    check_destination(path, tuple(FORMATS))


def write_file(trend: Trend, path: Path) -> None:
    """Write it in the format of the suffix. Raises StoreError."""
    check_file(path)
    write_atomically(path, FORMATS[path.suffix.lower()](trend))
