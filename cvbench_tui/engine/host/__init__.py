"""What the parent reads of the machine: system, processor, NVML, live gauges, other programs."""
