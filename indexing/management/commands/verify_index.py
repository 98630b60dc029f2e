"""manage.py verify_index: check the files of a version as a process that is about to serve it does."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from indexing.errors import IndexingError, NoIndexYet, SnapshotInvalid
from indexing.lib.messages import message
from indexing.lib.translation import translated
from indexing.models import IndexState, IndexVersion
from indexing.versions.opening import open_snapshot


class Command(BaseCommand):
    help = "Check the files of a version: hashes, counts, dimensions. Exits with 1 if one of them is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", nargs="?", type=int, help="a version (default: the live one)")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit codes: 0 intact; 1 damaged, or no such version; 2 usage. Raises CommandError."""
        try:
            version = version_to_check(options["number"])
        except IndexingError as error:
            raise CommandError(translated(error), returncode=1) from error
        try:
            snapshot = open_snapshot(version)
        except SnapshotInvalid as error:
            if options["json"]:
                self.stdout.write(json.dumps({"version": version.number, "ok": False, "error": translated(error)}))
            raise CommandError(translated(error), returncode=1) from error
        manifest = snapshot.manifest
        if options["json"]:
            answer = {
                "version": manifest.number,
                "ok": True,
                "error": None,
                "experts": manifest.count,
                "files": len(manifest.files),
                "bytes": manifest.bytes,
            }
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(
            _("Version %(number)s is intact. Experts: %(experts)s, files: %(files)s, %(mb).1f MB. All hashes agree.")
            % {
                "number": manifest.number,
                "experts": f"{manifest.count:,}",
                "files": len(manifest.files),
                "mb": manifest.bytes / 1e6,
            }
        )


def version_to_check(number: int | None) -> IndexVersion:
    """Raises NoIndexYet if none is live, IndexingError if there is no such version or its files were deleted."""
    if number is None:
        live = IndexState.read().live_version
        if live is None:
            raise NoIndexYet
        return live
    version = IndexVersion.objects.filter(pk=number).first()
    if version is None:
        known = IndexVersion.objects.exclude(state=IndexVersion.State.DELETED).values_list("number", flat=True)
        raise IndexingError(
            message(
                "There is no version %(number)s. There are: %(known)s.",
                number=number,
                known=", ".join(map(str, known)) or message("none"),
            )
        )
    if version.state == IndexVersion.State.DELETED:
        raise IndexingError(
            message("The files of version %(number)s were deleted: only the last versions are kept.", number=number)
        )
    return version
