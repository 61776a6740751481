"""Everything that is known about one row, as titled pairs of texts."""
