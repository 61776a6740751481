"""Threads. They only post messages."""
