"""cvbench-tui: benchmark of vision models and layers, in a terminal."""

__version__ = "0.1.0"
