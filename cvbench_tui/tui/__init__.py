"""The terminal app: draws and asks, computes nothing."""
