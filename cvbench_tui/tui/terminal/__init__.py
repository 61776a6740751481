"""The terminal's side: line filters, clipboard, hang-up, timers, themes."""
