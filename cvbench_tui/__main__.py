"""``cvbench-tui``, and ``python -m cvbench_tui``."""

import sys


def main() -> None:
    """Import the command line, of which Ctrl-C breaks the import off without a traceback, and run it."""
    try:
        from cvbench_tui.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
