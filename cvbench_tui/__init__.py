"""cvbench-tui: honest timings of vision models and layers, in a terminal."""

__version__ = "0.1.0"
