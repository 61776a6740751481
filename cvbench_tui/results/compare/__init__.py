"""Runs side by side: rows that do the same work, their ratio with its interval, and a verdict."""
