"""Serves the program of its arguments as ``cvbench-tui serve`` serves the app, on a free port of this machine."""

from __future__ import annotations

import sys

from cvbench_tui.serve.command import serve_command

if __name__ == "__main__":
    sys.exit(serve_command(sys.argv[1:], host="127.0.0.1", port=0))
