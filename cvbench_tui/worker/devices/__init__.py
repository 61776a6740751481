"""Devices: their clocks, counters and sensors, and the probe that lists them."""
