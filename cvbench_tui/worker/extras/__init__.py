"""Secondary metrics of a case: memory, energy, FLOPs, variants, the device's measured peak."""
