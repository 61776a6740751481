"""``cvbench-tui serve``: the app in a browser. ``command`` starts ``server``, which asks ``gate`` for each request."""
