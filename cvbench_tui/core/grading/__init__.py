"""From samples and evidence to a grade with reasons."""
