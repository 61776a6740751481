"""From samples to the statistics and the state of a row."""
