"""What the preview of an import shows: people with names, old and new values, and how the file was read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.importing.conventions import Conventions
from experts.importing.encodings import ENCODINGS
from experts.importing.plan import ExpertChange, ImportPlan
from experts.importing.reading_form import ReadingForm
from experts.importing.shortened import ShortenedList
from experts.importing.tables import ImportTable
from experts.importing.uploads import PendingImport
from experts.models import Expert


@dataclass(frozen=True, slots=True)
class FieldPreview:
    """A field that the import would change, by its label."""

    label: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """An expert that the import would change."""

    username: str
    name: str
    job_title: str
    fields: list[FieldPreview]

    @classmethod
    def from_change(cls, change: ExpertChange, hidden: Collection[str]) -> ChangePreview:
        """Of the `hidden` fields, what the directory has is not shown."""
        fields = [
            FieldPreview(_label(name), _("hidden") if name in hidden else before, after)
            for name, (before, after) in change.fields.items()
        ]
        return cls(change.username, change.name, change.job_title, fields)


@dataclass(frozen=True, slots=True)
class PersonPreview:
    """An expert that the import would add or deactivate."""

    username: str
    name: str
    job_title: str

    @classmethod
    def from_expert(cls, expert: Expert) -> PersonPreview:
        return cls(expert.username, expert.full_name, expert.job_title)


def preview_context(pending: PendingImport, plan: ImportPlan, hidden: Collection[str] = ()) -> dict[str, Any]:
    """`hidden`: the fields of which the reader may not see what the directory has."""
    stopped = bool(plan.rejected) and not pending.skip_bad
    good = not plan.does_nothing and not plan.needs_choice
    new = ShortenedList.from_rows(plan.new)
    changed = ShortenedList.from_rows(plan.changed)
    return {
        "title": _("Import experts: preview"),
        "pending": pending,
        "plan": plan,
        "counts": plan.counts,
        "stopped_by_bad_rows": stopped,
        "nothing_to_import": plan.does_nothing and not stopped,
        "applicable": good and not stopped,
        "good_rows_applicable": good and stopped,
        "new": ShortenedList([PersonPreview.from_expert(expert) for expert in new.rows], new.more),
        "changed": ShortenedList(
            [ChangePreview.from_change(change, hidden) for change in changed.rows], changed.more
        ),
        "missing": ShortenedList.from_rows(plan.missing),
        "conflicts": ShortenedList.from_rows(plan.conflicts),
        "rejected": ShortenedList.from_rows(plan.rejected),
        "notices": [
            _read_as(plan.table),
            *_conventions(plan.conventions),
            *_dropped(plan.dropped_urls),
            *plan.table.notices(),
        ],
        "reading": ReadingForm(plan.table.format, plan.table.header, None, pending.options),
    }


def _read_as(table: ImportTable) -> str:
    line = table.header.line
    if table.format.kind == "csv":
        encoding = ENCODINGS[table.format.encoding]
        sentence = _("The file is read as %(encoding)s; line %(line)s has the column names.")
        return sentence % {"encoding": encoding, "line": line}
    sentence = _("The sheet “%(sheet)s” is read; row %(line)s has the column names.")
    return sentence % {"sheet": table.format.sheet, "line": line}


def _conventions(found: Conventions) -> list[str]:
    """How numbers and dates are read, if the file has any that can be read in two ways."""
    sentences = []
    marked = found.amounts["."] + found.amounts[","] + found.amounts["?"]
    if found.decimal and marked:
        mark = _("point") if found.decimal == "." else _("comma")
        sentences.append(_("Numbers are read with a decimal %(mark)s.") % {"mark": mark})
    doubtful = found.amounts["?"]
    if found.decimal and doubtful:
        sentences.append(
            ngettext(
                "%(count)s number could be read in two ways without the others: “%(example)s”.",
                "%(count)s numbers could be read in two ways without the others, such as “%(example)s”.",
                doubtful,
            )
            % {"count": doubtful, "example": found.amount_in_doubt[:30]}
        )
    if found.asks_for_decimal:
        sentences.append(_("The file does not say whether its decimal mark is a point or a comma: choose one below."))
    if found.dates["?"]:
        order = _("month") if found.month_first else _("day")
        sentences.append(
            _("Dates such as “%(example)s” are read with the %(order)s first.")
            % {"example": found.date_in_doubt[:30], "order": order}
        )
    return sentences


def _dropped(urls: int) -> list[str]:
    if not urls:
        return []
    sentence = ngettext(
        "%s web address is not valid and is left out.", "%s web addresses are not valid and are left out.", urls
    )
    return [sentence % urls]


def _label(field: str) -> str:
    return str(getattr(Expert._meta.get_field(field), "verbose_name", field))
