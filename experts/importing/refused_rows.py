"""The rows that an import refuses, as a file: the cells as they were, with the reasons in a column of their own."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import IO

from django.utils.translation import gettext as _

from experts.importing.cells import mark_formula
from experts.importing.plan import ImportPlan


def write_refused(plan: ImportPlan, file: IO[str]) -> None:
    """Write a header and the refused rows of the plan, in their order, to a CSV file that can be imported again.

    Cells that a spreadsheet would run as a formula get an apostrophe in front.
    """
    reasons: dict[int, list[str]] = defaultdict(list)
    for each in plan.rejected:
        reasons[each.line].append(f"{each.field}: {each.fix}")
    names = plan.table.header.names
    writer = csv.writer(file)
    writer.writerow([*names, _("Reason")])
    for line, cells in plan.table.source_rows():
        if line in reasons:
            texts = [mark_formula(str(cell)) for cell in cells]
            padded = texts + [""] * (len(names) - len(texts))
            writer.writerow([*padded, " ".join(reasons[line])])
