"""The worker as a process: requests in, events out, one child per case."""
