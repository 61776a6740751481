"""Data model and rules: frozen dataclasses of the standard library, and pure functions over them.

No I/O, no clock, no torch, no pydantic. Everything here imports on Python 3.9, because the worker runs under any
interpreter that has torch.
"""
