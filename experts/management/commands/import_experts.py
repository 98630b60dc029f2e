"""Imports experts from a CSV file or a spreadsheet. Exit codes: 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import json
import logging
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from experts.importing.apply import apply_plan, check_applicable, check_deactivated
from experts.importing.columns import COLUMNS, HEADINGS
from experts.importing.encodings import ENCODINGS
from experts.importing.errors import ImportFailed
from experts.importing.matching import CHOICES
from experts.importing.options import ImportOptions
from experts.importing.plan import ImportPlan, make_plan
from experts.importing.text_files import named_delimiter
from experts.management.users import find_user
from experts.safe_text import visible

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Import experts from a CSV file or a spreadsheet, all or nothing. Columns (any order): "
        + ", ".join(COLUMNS)
        + ". "
        "Missing columns leave the existing values unchanged. Nobody is activated or deactivated without --sync."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV file, or a spreadsheet (.xlsx, .ods)")
        parser.add_argument("--dry-run", action="store_true", help="report what would change; import nothing")
        parser.add_argument(
            "--sync",
            action="store_true",
            help="make the file the full list: deactivate everyone not in it, activate everyone in it",
        )
        parser.add_argument(
            "--deactivate",
            type=int,
            metavar="N",
            help="confirm that N experts are deactivated, where --sync would hide a large part of the directory",
        )
        parser.add_argument("--skip-bad", action="store_true", help="skip rows with errors and import the others")
        self._add_reading(parser)
        parser.add_argument("--user", help="username under which the changes appear in the admin's history")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object on stdout, everything else on stderr"
        )

    def _add_reading(self, parser: ArgumentParser) -> None:
        """What is otherwise worked out from the file."""
        parser.add_argument("--encoding", default="", choices=ENCODINGS, help="how a CSV file is encoded")
        parser.add_argument("--delimiter", type=named_delimiter, help="of a CSV file; also `tab`")
        parser.add_argument("--sheet", default="", help="which sheet of a spreadsheet")
        parser.add_argument("--header-line", default=0, type=int, help="the line with the column names")
        parser.add_argument("--decimal", default="", choices=[".", ","], help="what stands before the cents")
        parser.add_argument("--dates", default="", choices=["day", "month"], help="what comes first in 03/04/2024")
        parser.add_argument(
            "--same-names", default="", choices=CHOICES, help="what to do with a username that reads like another one"
        )
        parser.add_argument(
            "--columns",
            default=(),
            type=named_columns,
            metavar="FIELDS",
            help="the field of each column of the file, with commas between them; empty for one that is not read",
        )
        parser.add_argument("--drop-bad-urls", action="store_true", help="leave out web addresses that are not valid")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Exit codes: 0 imported, or checked with --dry-run; 1 failed; 2 usage. Raises CommandError."""
        self.json: bool = options["json"]
        user = find_user(options["user"])
        try:
            with file.open("rb") as content:
                plan = make_plan(content, self._options(options))
                self._describe(plan, options["verbosity"])
        except OSError as error:
            self._fail(file, _("%(file)s cannot be read: %(error)s.") % {"file": file, "error": error.strerror})
        except ImportFailed as error:
            self._fail(file, str(error))
        try:
            check_deactivated(plan, options["deactivate"])
            if options["dry_run"]:
                check_applicable(plan, skip_bad=options["skip_bad"])
            else:
                apply_plan(plan, skip_bad=options["skip_bad"], user=user, file_name=file.name)
        except ImportFailed as error:
            self._fail(file, str(error), plan)
        outcome = "dry run" if options["dry_run"] else "done"
        counts = ", ".join(f"{count} {name}" for name, count in asdict(plan.counts).items())
        logger.info("import of %s (%s): %s", file.name, outcome, counts)
        self._conclude(file, outcome, plan)

    def _options(self, given: dict[str, Any]) -> ImportOptions:
        return ImportOptions(
            sync=given["sync"],
            encoding=given["encoding"],
            delimiter=given["delimiter"] or "",
            sheet=given["sheet"],
            header_line=given["header_line"],
            decimal=given["decimal"],
            dates=given["dates"],
            same_names=given["same_names"],
            drop_bad_urls=given["drop_bad_urls"],
            columns=given["columns"],
        )

    def _describe(self, plan: ImportPlan, verbosity: int) -> None:
        for notice in plan.table.notices():
            self.stderr.write(notice)
        for column in plan.unknown_columns:
            self.stderr.write(_("Unknown column, ignored: %s") % visible(column, one_line=True))
        for rejection in plan.rejected:
            self.stderr.write(self.style.ERROR(_("Rejected: %s") % rejection))
        if plan.hidden:
            self.stderr.write(_("Inactive experts in the file, unchanged (--sync activates them): %s") % plan.hidden)
        if verbosity < 2:
            return
        for change in plan.changed:
            for name, (before, after) in change.fields.items():
                self.stderr.write(f"{visible(change.username)}, {name}: {before!r} -> {after!r}")

    def _fail(self, file: Path, sentence: str, plan: ImportPlan | None = None) -> None:
        if self.json:
            self._conclude(file, "failed", plan, sentence)
        raise CommandError(sentence)

    def _conclude(self, file: Path, outcome: str, plan: ImportPlan | None, error: str = "") -> None:
        if self.json:
            self.stdout.write(json.dumps(report(file, outcome, plan, error), ensure_ascii=False, default=str))
        elif plan:
            counts = plan.counts
            self.stdout.write(
                _(
                    "%(outcome)s: %(new)s new, %(changed)s changed, %(unchanged)s unchanged,"
                    " %(missing)s missing (%(effect)s), %(rejected)s rejected."
                )
                % {
                    **asdict(counts),
                    "outcome": _("Dry run, nothing imported") if outcome == "dry run" else _("Done"),
                    "effect": _("deactivated") if plan.sync else _("unchanged"),
                }
            )


def named_columns(text: str) -> tuple[str, ...]:
    """The fields in `text`. Raises ArgumentTypeError for one that there is not."""
    fields = tuple(each.strip() for each in text.split(","))
    if unknown := next((each for each in fields if each and each not in HEADINGS), None):
        sentence = _("“%(field)s” is not a field. Fields: %(known)s.")
        raise ArgumentTypeError(sentence % {"field": unknown, "known": ", ".join(HEADINGS)})
    return fields


def report(file: Path, outcome: str, plan: ImportPlan | None, error: str) -> dict[str, Any]:
    """What `--json` prints. `plan` is None if the file could not be read."""
    result: dict[str, Any] = {"file": str(file), "status": outcome, "error": error or None}
    if plan is not None:
        result |= {
            **asdict(plan.counts),
            "sync": plan.sync,
            "hidden": plan.hidden,
            "unknown_columns": list(plan.unknown_columns),
            "rejections": [
                # "mend" is what scripts read since the first release
                {"line": each.line, "field": each.field, "value": each.value, "mend": each.fix}
                for each in plan.rejected
            ],
        }
    return result
