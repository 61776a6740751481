"""Comparisons as a file or as text to paste: markdown, CSV, JSON, a page, a chart, sentences."""
