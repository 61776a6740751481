"""The folder of runs: run files, their index, earlier times, measured peaks."""
