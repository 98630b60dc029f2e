"""Gives tags to experts: automatically by the vectors of a run, or manually for many experts at once."""
