"""Adds fictional experts to the directory. Exit codes: 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from experts.numbers import whole_number
from experts.samples import generator, removal


def positive(value: str) -> int:
    """Parse a whole number above 0 for argparse. Raises ArgumentTypeError."""
    number = whole_number(value)
    if not number:
        raise ArgumentTypeError(_("%s is not a whole number above 0") % value)
    return number


class Command(BaseCommand):
    help = "Add fictional experts to the directory. The same seed gives the same experts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--count", type=positive, default=1_500, help="how many (default: %(default)s)")
        parser.add_argument(
            "--seed", type=int, default=1, help="another seed gives other experts (default: %(default)s)"
        )
        parser.add_argument("--remove", action="store_true", help="remove the sample experts instead")
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")

    def handle(self, *args: Any, count: int, seed: int, **options: Any) -> None:
        if options["remove"]:
            removed = removal.remove_samples()
            said = json.dumps({"removed": removed})
            self.stdout.write(said if options["json"] else _("Sample experts removed: %s.") % removed)
            return
        created = generator.load_samples(count, seed)
        if options["json"]:
            self.stdout.write(json.dumps({"created": created, "present": count - created}))
        else:
            self.stdout.write(
                _("Sample experts added: %(created)s; already there: %(present)s.")
                % {"created": created, "present": count - created}
            )
