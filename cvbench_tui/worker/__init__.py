"""The measuring process. The only package that imports torch; it imports nothing of ours but ``core``."""
