"""Synonyms as a CSV file: all of them out, and a file of them in, as a whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.importing.cells import mark_formula, shorten, unmark_formula
from experts.importing.encodings import find_encoding
from experts.importing.errors import ImportFailed
from indexing.models import Synonym
from indexing.quality.synonyms import BETWEEN, SynonymForm, side_key

COLUMNS = ("typed", "found", "both_ways")
LARGEST = 2**18
"""bytes"""
MOST_ROWS = 1_000
"""Each is checked against those that there are: a second for all of them."""
SHOWN = 10
"""Problems that are named; of more, their number."""
_YES, _NO = frozenset({"", "yes", "true", "1"}), frozenset({"no", "false", "0"})


class SynonymsRefused(ImportFailed):
    """Why no synonym of a file was taken: a sentence for each problem, each with its line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems[:SHOWN]
        if (more := len(problems) - SHOWN) > 0:
            self.problems.append(ngettext("%d more row is wrong.", "%d more rows are wrong.", more) % more)
        super().__init__(" ".join(self.problems))


@dataclass(slots=True)
class ImportedSynonyms:
    """What a file changed."""

    added: list[Synonym] = field(default_factory=list)
    changed: list[Synonym] = field(default_factory=list)
    same: int = 0
    """How many were there already, just so."""


def as_csv() -> str:
    """All synonyms, as `import_synonyms` reads them; no cell is a formula for a spreadsheet."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for synonym in Synonym.objects.all():
        cells = (mark_formula(synonym.typed), mark_formula(synonym.found))
        writer.writerow([*cells, "yes" if synonym.both_ways else "no"])
    return file.getvalue()


@transaction.atomic
def import_synonyms(data: bytes, *, may_change: bool) -> ImportedSynonyms:
    """Add the synonyms of a CSV file, and change those of the same two words; the others stay.

    `may_change`: whether existing ones may be changed. Raises ImportFailed, a SynonymsRefused where rows are wrong;
    then nothing was changed.
    """
    imported, problems, lines = ImportedSynonyms(), [], dict[str, int]()
    for line, cells in _rows(data):
        problem = _problem_with(cells, may_change, lines, line, imported)
        if problem:
            problems.append(_("Line %(line)d: %(problem)s") % {"line": line, "problem": problem})
    if problems:
        raise SynonymsRefused(problems)
    return imported


def _problem_with(
    cells: dict[str, str], may_change: bool, lines: dict[str, int], line: int, imported: ImportedSynonyms
) -> str:
    """Save one row; or a sentence that says what is wrong with it. `lines`: where each pair was."""
    both_ways = cells["both_ways"].lower()
    if both_ways not in _YES | _NO:
        return _("“%s” is neither yes nor no.") % shorten(cells["both_ways"])
    key = BETWEEN.join(sorted(side_key(cells[name]) for name in ("typed", "found")))
    if key in lines:
        return _("The same two are in line %d. Delete one of them.") % lines[key]
    lines[key] = line
    known = Synonym.objects.filter(pair_key=key).first()
    form = SynonymForm(cells | {"both_ways": both_ways in _YES}, instance=known)
    if not form.is_valid():
        return " ".join(str(sentence) for sentences in form.errors.values() for sentence in sentences)
    if not form.has_changed():
        imported.same += 1
    elif known and not may_change:
        return _("You may add synonyms, but not change this one.")
    else:
        (imported.changed if known else imported.added).append(form.save())
    return ""


def _rows(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells, by column, of each row that is not blank. Raises ImportFailed."""
    if len(data) > LARGEST:
        raise ImportFailed(_("The file is larger than %d KB. Split it.") % (LARGEST // 2**10))
    text = data.decode(find_encoding(io.BytesIO(data))).removeprefix("\ufeff")
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        columns = [cell.strip().lower().replace(" ", "_") for cell in next(reader, [])]
        if not {"typed", "found"} <= set(columns) <= set(COLUMNS) or len(set(columns)) < len(columns):
            raise ImportFailed(_("The first line must name the columns: typed, found and, if you like, both_ways."))
        rows = ((reader.line_num, [unmark_formula(cell.strip()) for cell in row]) for row in reader)
        for number, (line, cells) in enumerate((line, cells) for line, cells in rows if any(cells)):
            if number == MOST_ROWS:
                raise ImportFailed(_("The file has more than %d rows. Split it.") % MOST_ROWS)
            if len(cells) > len(columns):
                raise ImportFailed(
                    _("Line %d has more cells than the first line. Put texts with commas in quotes.") % line
                )
            yield line, dict.fromkeys(COLUMNS, "") | dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise ImportFailed(_("Line %(line)d: %(problem)s") % {"line": reader.line_num, "problem": error}) from None
