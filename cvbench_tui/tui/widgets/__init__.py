"""Widgets: they draw what they are given and post what was pressed."""
