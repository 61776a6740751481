"""The measuring process. The only package that imports torch; of ours it imports ``core`` and ``base``."""
