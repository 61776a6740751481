"""Runs that ship with the program and that nobody measured here: figures that others have published."""
