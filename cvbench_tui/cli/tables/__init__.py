"""The commands that print or save the table of runs: `show`, `export`, `merge`."""
