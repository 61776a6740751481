"""Facts of the machine that the parent reads: system, processor, NVML."""
