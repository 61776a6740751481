"""The app: Textual only. It draws and asks; numbers, texts with units and files are made elsewhere."""
