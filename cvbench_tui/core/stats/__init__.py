"""Statistics of rounds and samples, and the rules that decide when a pass ends. Pure functions."""
