"""The nouns: frozen standard-library dataclasses and pure functions over them.

No I/O, no clock, no torch, no pydantic. Everything here must import on Python 3.9, because the
worker runs under any interpreter that has torch.
"""
