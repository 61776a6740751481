"""Key bindings, and their remapping."""
