"""Files in the data folder by which a test and its worker talk."""

PAUSED = "paused"
"""The worker waits at its point."""
GO_ON = "go-on"
"""It may go on."""
GIVE_UP_SECONDS = 120
