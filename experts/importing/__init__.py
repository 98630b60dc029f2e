"""Imports experts from a file: read it, compare it with the directory, show what would change, write it."""
