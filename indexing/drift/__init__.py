"""How far the directory has moved away from what the live version knows."""

from indexing.drift.measurement import (
    Drift,
    Version,
    measure,
    plan,
)

__all__ = [
    "Drift",
    "Version",
    "measure",
    "plan",
]
