"""The parent's side of the process wall: start, stream, time out, cancel, replay.

The worker is started by name (``-m``) and never imported; torch is never imported here.
"""
