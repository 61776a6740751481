"""The terminal's side: drivers, clipboard, hang-up, timers, themes."""
