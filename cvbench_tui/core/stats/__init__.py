"""Statistics of rounds and samples, and the stop rule. Pure functions."""
