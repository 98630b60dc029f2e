"""Experts to a CSV file that the import reads back as it was."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from typing import IO

from experts.importing.tables import COLUMNS, mark_formula
from experts.models import Expert


def write_csv(experts: Iterable[Expert], file: IO[str]) -> None:
    """The columns of an import. A cell that a spreadsheet would run as a formula is marked with "'" before it."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for expert in experts:
        writer.writerow(mark_formula(_cell(getattr(expert, field))) for field in COLUMNS.values())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
