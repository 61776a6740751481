"""What can be ticked, as plain data: models, layers, presets. No torch."""
