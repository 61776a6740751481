"""``cvbench-tui selftest``: checks on the user's machine that the numbers are right. Imports no torch."""
