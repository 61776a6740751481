"""What every room may use: text, files and numbers of the system. Standard library only."""
