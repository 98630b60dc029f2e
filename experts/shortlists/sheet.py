"""A shortlist as an Excel sheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from experts.importing.cells import mark_formula
from experts.models import ShortlistEntry

MAX_CELL = 32_767
"""Characters of a cell in Excel."""


def write_sheet(entries: Iterable[ShortlistEntry], file: BinaryIO, *, with_contact: bool) -> None:
    """One row per expert; of those who are inactive or deleted only that, and the note.

    Cells that a spreadsheet would run as a formula get an apostrophe in front.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Shortlist")[:31])
    contact = [_("E-mail"), _("Phone")] if with_contact else []
    columns = [_("Name"), _("Job title"), _("Company"), _("Location"), _("Languages"), _("Rate"), _("Currency")]
    sheet.append([*columns, *contact, _("Note")])
    for entry in entries:
        sheet.append([_cell(value) for value in _row(entry, with_contact)])
    book.save(file)


def _row(entry: ShortlistEntry, with_contact: bool) -> list[object]:
    expert = entry.expert
    if expert is None or not expert.is_active:
        gone = _("deleted") if expert is None else f"{expert.full_name} ({_('inactive')})"
        return [gone, *[None] * (8 if with_contact else 6), entry.note]
    contact = [expert.email, expert.phone] if with_contact else []
    languages = ", ".join(expert.language_names)
    facts = [expert.full_name, expert.job_title, expert.company, expert.location, languages]
    return [*facts, expert.hourly_rate, expert.currency, *contact, entry.note]


def _cell(value: object) -> object:
    if isinstance(value, str):
        return mark_formula(ILLEGAL_CHARACTERS_RE.sub("", value))[:MAX_CELL] or None
    return value
