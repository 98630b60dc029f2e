"""Undoes an import, or lists those that can be undone. Exit codes: 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from experts.importing.cells import shorten
from experts.importing.errors import ImportFailed
from experts.importing.undo import UndoPlan, plan_undo, undo
from experts.management.users import find_user
from experts.models import ImportRecord
from experts.safe_text import visible


class Command(BaseCommand):
    help = (
        "Undo an import: delete the experts it added, give changed ones their earlier values, activate the others."
        " Values that were changed since stay and are named. Without a number, list what can be undone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, nargs="?", help="of the import, from the list")
        parser.add_argument("--dry-run", action="store_true", help="report what would be undone; change nothing")
        parser.add_argument("--user", help="username under which the changes appear in the admin's history")
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")

    def handle(self, *args: Any, number: int | None, **options: Any) -> None:
        """Raises CommandError: 1 if the import cannot be undone, 2 for an unknown user."""
        if number is None:
            self._list(options["json"])
            return
        user = find_user(options["user"])
        try:
            record = ImportRecord.objects.get(pk=number)
            done = plan_undo(record) if options["dry_run"] else undo(record.pk, user)
        except ImportRecord.DoesNotExist:
            raise CommandError(_("No import has the number %s; without a number they are listed.") % number) from None
        except ImportFailed as error:
            raise CommandError(str(error)) from None
        self._report(done, options)

    def _list(self, as_json: bool) -> None:
        records = ImportRecord.objects.undoable()
        if as_json:
            fields = ("id", "at", "name", "file_name", "new", "changed", "deactivated")
            self.stdout.write(json.dumps({"imports": list(records.values(*fields))}, default=str))
            return
        for each in records:
            counts = _("%(new)s new, %(changed)s changed, %(deactivated)s deactivated") % {
                "new": each.new,
                "changed": each.changed,
                "deactivated": each.deactivated,
            }
            self.stdout.write(f"{each.pk}  {each.at:%Y-%m-%d %H:%M}  {visible(each.file_name)}: {counts}")

    def _report(self, done: UndoPlan, options: dict[str, Any]) -> None:
        for each in done.left_alone:
            self.stderr.write(f"{visible(each.username)}: {each.why}")
        for conflict in done.conflicts:
            self.stderr.write(
                _("%(username)s: “%(field)s” was changed since and stays: %(now)s (before the import: %(before)s)")
                % {
                    "username": visible(conflict.username),
                    "field": conflict.label,
                    "now": _shown(conflict.now),
                    "before": _shown(conflict.before),
                }
            )
        counts = {
            "deleted": len(done.delete),
            "restored": len(done.restore),
            "activated": len(done.activate),
            "gone": done.gone,
        }
        if options["json"]:
            status = "dry run" if options["dry_run"] else "done"
            left = [asdict(each) for each in done.left_alone]
            about = {"status": status, **counts, "left_alone": left}
            about["conflicts"] = [asdict(each) for each in done.conflicts]
            self.stdout.write(json.dumps(about, ensure_ascii=False, default=str))
            return
        counts["left"] = len(done.left_alone)
        self.stdout.write(
            _("%(deleted)s deleted, %(restored)s restored, %(activated)s activated, %(left)s left alone.") % counts
        )


def _shown(value: Any) -> str:
    return "" if value is None else visible(shorten(str(value)))
