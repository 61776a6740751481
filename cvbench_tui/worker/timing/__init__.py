"""The stopwatch: warm-up, rounds, the timed regions, and what the system did meanwhile."""
