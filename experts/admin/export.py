"""Writes experts to a CSV file that the import can read back unchanged."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from typing import IO

from experts.importing.cells import mark_formula
from experts.importing.columns import COLUMNS
from experts.models import Expert


def write_csv(experts: Iterable[Expert], file: IO[str]) -> None:
    """Write a header and one row per expert, with the columns of an import.

    Cells that a spreadsheet would run as a formula get an apostrophe in front.
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for expert in experts:
        writer.writerow(mark_formula(_cell(getattr(expert, field))) for field in COLUMNS.values())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
