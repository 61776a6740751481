"""Sides laid beside each other: the comparison, the choice of an axis, the details of both."""
