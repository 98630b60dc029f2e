"""manage.py check_milvus: try everything that TCS needs of a Milvus, in a small collection of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from indexing.errors import IndexingError
from indexing.lib.translation import translated
from indexing.versions import engines, milvus_contract

MOST = 1_000_000


class Command(BaseCommand):
    help = (
        "Check that the Milvus of TCS_MILVUS_URI does what TCS needs: makes a collection of derived vectors, "
        "searches it, and drops it. Exits with 1 at the first difference."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--experts", type=int, default=2_000, help="how many experts (default: 2000)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit codes: 0 everything holds; 1 something does not, or Milvus is away; 2 usage. Raises CommandError."""
        engine = engines.milvus()
        if engine is None:
            raise CommandError(_("Set TCS_MILVUS_URI to the address of Milvus."), returncode=2)
        if not milvus_contract.FEWEST <= options["experts"] <= MOST:
            raise CommandError(
                _("--experts is %(count)s, expected: %(fewest)s to %(most)s.")
                % {"count": options["experts"], "fewest": milvus_contract.FEWEST, "most": MOST},
                returncode=2,
            )
        try:
            with tempfile.TemporaryDirectory(prefix="tcs-milvus-") as folder:
                for each in milvus_contract.check(engine, Path(folder), options["experts"]):
                    self.stdout.write(f"{each.seconds:8.3f} s  {each.name}")
        except IndexingError as error:
            raise CommandError(translated(error), returncode=1) from error
        self.stdout.write(_("This Milvus does what TCS needs."))
