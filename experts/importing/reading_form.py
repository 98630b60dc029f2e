"""The form that shows how a file is read, and changes it: encoding, columns, decimal mark and the like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experts.importing.columns import HEADINGS
from experts.importing.encodings import ENCODINGS
from experts.importing.headers import HeaderRow
from experts.importing.matching import CHOICES
from experts.importing.options import ImportOptions
from experts.importing.source_rows import Format

_DELIMITER_NAMES = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("pipe"),
}
_MAX_COLUMNS = 900
"""A form has at most 1,000 fields, see DATA_UPLOAD_MAX_NUMBER_FIELDS."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """One column of the file on the page: its name, its first cells, and what it fills."""

    name: str
    samples: tuple[str, ...]
    field: BoundField


class ReadingForm(forms.Form):
    """What can be chosen; what is not on the page is left as it is."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(label=gettext_lazy("Delimiter"), choices=_DELIMITER_NAMES, required=False)
    sheet = forms.CharField(label=gettext_lazy("Sheet"), required=False)
    header_line = forms.IntegerField(
        label=gettext_lazy("Line with the column names"), min_value=1, max_value=10_000, required=False
    )
    decimal = forms.ChoiceField(
        label=gettext_lazy("Decimal mark"),
        choices=[
            ("", gettext_lazy("by the file")),
            (".", gettext_lazy("point: 1,250.50")),
            (",", gettext_lazy("comma: 1.250,50")),
        ],
        required=False,
    )
    dates = forms.ChoiceField(
        label=gettext_lazy("Dates"),
        choices=[
            ("", gettext_lazy("by the file")),
            ("day", gettext_lazy("day first: 31/05/2024")),
            ("month", gettext_lazy("month first: 05/31/2024")),
        ],
        required=False,
    )
    same_names = forms.ChoiceField(
        label=gettext_lazy("Usernames that read like another one"), choices=CHOICES, required=False
    )
    drop_bad_urls = forms.BooleanField(
        label=gettext_lazy("Leave out web addresses that are not valid"), required=False
    )
    sync = forms.BooleanField(label=gettext_lazy("Synchronise"), required=False)

    def __init__(self, format: Format, header: HeaderRow, data: QueryDict | None, options: ImportOptions) -> None:
        super().__init__(data, initial=_shown(format, header, options))
        self._header = header
        self._options = options
        if format.kind == "csv":
            del self.fields["sheet"]
        else:
            del self.fields["encoding"], self.fields["delimiter"]
            self.fields["sheet"] = forms.ChoiceField(
                label=_("Sheet"), choices=[(name, name) for name in format.sheets], required=False
            )
        fields = [("", _("not read")), *((field, name) for field, name in HEADINGS.items())]
        for number, field in enumerate(header.fields[:_MAX_COLUMNS]):
            self.fields[f"column-{number}"] = forms.ChoiceField(choices=fields, initial=field, required=False)

    @property
    def settings(self) -> Iterator[BoundField]:
        """The fields that are about the file as a whole."""
        return (self[name] for name in self.fields if not name.startswith("column-"))

    @property
    def columns(self) -> Sequence[ColumnChoice]:
        """The columns of the file."""
        named = zip(self._header.names[:_MAX_COLUMNS], self._header.samples, strict=False)
        return [ColumnChoice(name, cells, self[f"column-{number}"]) for number, (name, cells) in enumerate(named)]

    def options(self) -> ImportOptions:
        """What was chosen, for a valid form. Another encoding or header line has columns of its own."""
        chosen = {name: self.cleaned_data[name] for name in self.fields if not name.startswith("column-")}
        chosen["header_line"] = chosen["header_line"] or 0
        about_file = {name: self.fields[name].initial or self.initial.get(name) for name in chosen}
        read_again = any(
            chosen.get(name) != about_file.get(name)
            for name in ("encoding", "delimiter", "sheet", "header_line")
            if name in chosen
        )
        columns = tuple(self.cleaned_data[name] for name in self.fields if name.startswith("column-"))
        if read_again:
            columns = ()
            if chosen["header_line"] == about_file["header_line"]:
                chosen["header_line"] = 0
        elif columns == self._header.fields[:_MAX_COLUMNS]:
            columns = self._options.columns
        return replace(self._options, **chosen, columns=columns)


def _shown(format: Format, header: HeaderRow, options: ImportOptions) -> dict[str, object]:
    return {
        "encoding": format.encoding,
        "delimiter": format.delimiter,
        "sheet": format.sheet,
        "header_line": header.line,
        "decimal": options.decimal,
        "dates": options.dates,
        "same_names": options.same_names,
        "drop_bad_urls": options.drop_bad_urls,
        "sync": options.sync,
    }
