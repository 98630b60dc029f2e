"""Shortlists: what their owners may do with them, and the sheet that they can take along."""
