"""Detail of one row, as titled pairs of texts."""
