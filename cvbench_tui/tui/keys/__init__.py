"""Key bindings, their registry, remapping and display."""
