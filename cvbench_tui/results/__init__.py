"""From a Run to numbers, text and files: statistics, units, one table, its formats, the store. No terminal."""
