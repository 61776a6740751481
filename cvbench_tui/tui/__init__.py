"""The app: Textual only. It draws, and reads keys; numbers, texts with units and files are made elsewhere."""
