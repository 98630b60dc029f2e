"""Measurements of the running system, on sample directories in a folder of their own."""
