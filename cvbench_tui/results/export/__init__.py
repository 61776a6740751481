"""A run as a file or as text to paste: markdown, CSV, JSON."""
