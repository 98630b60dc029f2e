"""Why a value cannot be taken."""

from __future__ import annotations


class InvalidValue(Exception):
    """A value that its field cannot have; `str(error)` says why and how to fix it."""


class NeedsChoice(InvalidValue):
    """A value that can be read in two ways, where the file does not say which: people have to."""
