"""What every room may use: text, files and numbers of the system. Standard library only, save ``rich.cells`` and,
before Python 3.11, ``tomli``."""
