"""``python -m cvbench_tui`` is the same as ``cvbench-tui``."""

from cvbench_tui.cli.main import main

if __name__ == "__main__":
    main()
