"""The part of the selftest that the worker runs: workloads of known answer, and other harnesses."""
