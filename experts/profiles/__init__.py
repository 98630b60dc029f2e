"""What follows from the profile of one expert: its text, hashes and findability. Imports no models."""
