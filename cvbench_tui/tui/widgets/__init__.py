"""Widgets. They draw what they are given and tell what was pressed."""
