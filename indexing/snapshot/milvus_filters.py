"""The filters of a search as Milvus' expressions over the fields of a collection."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.prefilter import KeywordConditions

NO_DAY = 2**62
"""`available` where nothing is known: later than any day that somebody asks for."""
NO_RATE = -1.0
NOBODY = "row < 0"


def of_conditions(conditions: KeywordConditions) -> str:
    """The expression for everything but phrases and excluded words; empty if everybody passes."""
    parts = [_any_label(labels) for labels in conditions.labels]
    if conditions.rate is not None:
        low, high = conditions.rate
        parts.append(f"rate >= {0.0 if low is None else float(low)!r}")
        if high is not None:
            parts.append(f"rate <= {float(high)!r}")
    if conditions.available_by is not None:
        parts.append(f"available <= {conditions.available_by}")
    return " and ".join(parts)


def of_experts(rows: NDArray[np.int64]) -> str:
    """The expression for the experts in these `rows`, int64[k]."""
    return f"expert in [{','.join(map(str, rows.tolist()))}]"


def _any_label(labels: Iterable[str]) -> str:
    texts = [json.dumps(label, ensure_ascii=False) for label in labels]
    if not texts:
        return NOBODY
    if len(texts) == 1:
        return f"array_contains(labels, {texts[0]})"
    return f"array_contains_any(labels, [{', '.join(texts)}])"
