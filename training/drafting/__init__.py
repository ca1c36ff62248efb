"""A first definition for a file, written from what the file holds."""
