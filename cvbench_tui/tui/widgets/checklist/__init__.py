"""A list of things to tick, with its filter."""
