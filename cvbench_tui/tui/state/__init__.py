"""State of the app without widgets."""
