"""Serves the program of its arguments as ``cvbench-tui serve`` serves the app, on a free port of this machine."""

from __future__ import annotations

import sys

from cvbench_tui.serve.command import MAX_PAGES, serve_command

if __name__ == "__main__":
    command, pages = sys.argv[1:], MAX_PAGES
    if command[0].startswith("--max-pages="):
        pages = int(command.pop(0).partition("=")[2])
    sys.exit(serve_command(command, host="127.0.0.1", port=0, max_pages=pages))
