"""What keys do: run, save, open, and the gauges."""
