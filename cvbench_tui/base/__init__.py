"""What every room may use. Standard library only, save ``rich.cells`` and, before Python 3.11, ``tomli``."""
