"""Creates the default tags that are missing. Exit codes: 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from experts.tagging.default_tags import DEFAULT_TAGS
from experts.tagging.storage import load_default_tags


class Command(BaseCommand):
    help = "Create the default tags whose names are missing. Existing tags are not changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        created = load_default_tags()
        if options["json"]:
            self.stdout.write(json.dumps({"created": created, "present": len(DEFAULT_TAGS) - created}))
        else:
            self.stdout.write(
                _("Tags added: %(created)s; already there: %(present)s.")
                % {"created": created, "present": len(DEFAULT_TAGS) - created}
            )
