"""The columns that somebody chose, for the next file with these headers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from experts.models import ColumnMapping


def remembered_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The field of each column of a file with this header, as chosen in the last import of one; () for none."""
    found = ColumnMapping.objects.filter(header=_key(names)).first()
    return tuple(found.fields) if found else ()


def remember_columns(names: Sequence[str], fields: Sequence[str]) -> None:
    ColumnMapping.objects.update_or_create(header=_key(names), defaults={"fields": list(fields)})


def _key(names: Sequence[str]) -> str:
    folded = [name.strip().casefold() for name in names]
    return hashlib.sha256(json.dumps(folded).encode()).hexdigest()
