"""A row's times over the kept runs: what was measured when, and where the environment changed."""
