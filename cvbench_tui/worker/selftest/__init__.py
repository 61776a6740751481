"""The selftest's part of the worker: workloads of known answer, and timing loops of other makes."""
