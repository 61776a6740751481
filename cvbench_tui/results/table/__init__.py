"""The one table of a run: columns, rows, order, groups, what fits."""
