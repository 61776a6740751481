"""Numbers and facts as text."""
