"""Choices that the command line, the settings, the results and the app all offer."""

from __future__ import annotations

from typing import Literal, get_args

Layout = Literal["wide", "original"]  # of saved markdown: all columns in one table, or the form of the published tables
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

GroupBy = Literal["none", "workload", "kind", "device"]  # what the rows of one group of the table have in common
GROUPINGS: tuple[GroupBy, ...] = get_args(GroupBy)
