"""Imports experts from a CSV file. Exit codes: 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import json
import logging
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from experts.importing.apply import apply_plan, check_applicable
from experts.importing.columns import COLUMNS
from experts.importing.errors import ImportFailed
from experts.importing.plan import ImportPlan, make_plan
from experts.safe_text import visible

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Import experts from a CSV file, all or nothing. Columns (any order): " + ", ".join(COLUMNS) + ". "
        "Missing columns leave the existing values unchanged. Nobody is activated or deactivated without --sync."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file, UTF-8 with or without BOM")
        parser.add_argument("--dry-run", action="store_true", help="report what would change; import nothing")
        parser.add_argument(
            "--sync",
            action="store_true",
            help="make the file the full list: deactivate everyone not in it, activate everyone in it",
        )
        parser.add_argument("--skip-bad", action="store_true", help="skip rows with errors and import the others")
        parser.add_argument("--user", help="username under which the changes appear in the admin's history")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object on stdout, everything else on stderr"
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Exit codes: 0 imported, or checked with --dry-run; 1 failed; 2 usage. Raises CommandError."""
        self.json: bool = options["json"]
        user = self._user(options["user"])
        try:
            with file.open("rb") as content:
                plan = make_plan(content, sync=options["sync"])
        except OSError as error:
            self._fail(file, _("%(file)s cannot be read: %(error)s.") % {"file": file, "error": error.strerror})
        except ImportFailed as error:
            self._fail(file, str(error))
        self._describe(plan, options["verbosity"])
        try:
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

    def _user(self, username: str | None) -> User | None:
        if username is None:
            return None
        try:
            return User.objects.get(username=username)
        except User.DoesNotExist:
            raise CommandError(_("No user is named “%s”.") % username, returncode=2) from None

    def _describe(self, plan: ImportPlan, verbosity: int) -> None:
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
