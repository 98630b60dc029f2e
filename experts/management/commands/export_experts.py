"""Writes the directory to a file that can be imported again. Exit codes: 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from experts.exporting import write_csv, write_excel
from experts.importing.encodings import ENCODINGS
from experts.importing.text_files import named_delimiter
from experts.models import Expert

BATCH = 1_000


class Command(BaseCommand):
    help = "Write the directory to a CSV file, or to Excel if the name ends with .xlsx."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the file to write; an existing one is replaced")
        parser.add_argument("--active", action="store_true", help="only active experts")
        parser.add_argument("--delimiter", default=",", type=named_delimiter, help="of a CSV file; also `tab`")
        parser.add_argument("--encoding", default="utf-8-sig", choices=ENCODINGS, help="of a CSV file")
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Raises CommandError if the file cannot be written, or a letter is not in the encoding."""
        experts = Expert.objects.active() if options["active"] else Expert.objects.all()
        rows = experts.order_by("pk").iterator(chunk_size=BATCH)
        being_written = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            if file.suffix.lower() == ".xlsx":
                with being_written.open("wb") as sheet:
                    write_excel(rows, sheet)
            else:
                with being_written.open("w", encoding=options["encoding"], newline="") as text:
                    write_csv(rows, text, options["delimiter"])
            being_written.replace(file)
        except OSError as error:
            raise CommandError(_("%(file)s cannot be written: %(error)s.") % {"file": file, "error": error}) from None
        except UnicodeEncodeError as error:
            letter = error.object[error.start]
            raise CommandError(
                _("“%(letter)s” cannot be written in %(encoding)s. Choose UTF-8.")
                % {"letter": letter, "encoding": options["encoding"]}
            ) from None
        finally:
            being_written.unlink(missing_ok=True)
        count = experts.count()
        said = json.dumps({"file": str(file), "experts": count})
        self.stdout.write(said if options["json"] else _("Experts written: %s.") % count)
