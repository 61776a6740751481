"""Pages of lines that something computed in the background: a trend, a verdict."""
