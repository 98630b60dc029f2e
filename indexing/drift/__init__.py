"""How far the directory has moved away from what the live version knows."""

from indexing.drift.measurement import Drift, measure
from indexing.drift.plan import RebuildPlan, plan_rebuild

__all__ = [
    "Drift",
    "RebuildPlan",
    "measure",
    "plan_rebuild",
]
