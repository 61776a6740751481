"""The command `compare`: runs side by side, the rows of two measured again, the gate for scripts."""
