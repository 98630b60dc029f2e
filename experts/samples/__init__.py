"""Fictional experts."""
