"""``cvbench-tui serve``: the app in a browser."""
