"""Fetches the photos that experts have links to. Exit codes: 0 done, 1 some were not fetched, 2 usage."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from experts.attachments import photos
from experts.attachments.fetching import NotFetched, fetch_photo
from experts.models import Expert
from experts.safe_text import visible

AT_ONCE = 8
BATCH = 64


class Command(BaseCommand):
    help = (
        "Fetch the photos that experts have links to, once: pages show only photos that TCS keeps. A photo that was"
        " uploaded stays. A link that changed since is fetched again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--again", action="store_true", help="also those that were fetched from the same link")
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError: 1 if a photo was not fetched."""
        fetched, problems = 0, {}
        for expert, problem in self._fetch(list(photos.to_fetch(again=options["again"]))):
            fetched += not problem
            if problem:
                problems[expert.username] = problem
                if not options["json"]:
                    self.stderr.write(f"{visible(expert.username)}: {visible(problem, one_line=True)}")
        if options["json"]:
            self.stdout.write(json.dumps({"fetched": fetched, "problems": problems}))
        else:
            self.stdout.write(_("Fetched %(count)s photos.") % {"count": f"{fetched:,}"})
        if problems:
            raise CommandError(_("%s photos were not fetched.") % f"{len(problems):,}")

    def _fetch(self, experts: list[Expert]) -> Iterator[tuple[Expert, str]]:
        """Each expert, and why there is no photo; only this thread uses the database."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for start in range(0, len(experts), BATCH):
                batch = experts[start : start + BATCH]
                for expert, (content, problem) in zip(batch, threads.map(_fetched, batch), strict=True):
                    yield expert, problem or self._store(expert, content)

    @staticmethod
    def _store(expert: Expert, content: bytes) -> str:
        try:
            photos.set_photo(expert, content, fetched_from=expert.photo_url)
        except ValidationError as error:
            return " ".join(error.messages)
        return ""


def _fetched(expert: Expert) -> tuple[bytes, str]:
    try:
        return fetch_photo(expert.photo_url), ""
    except NotFetched as error:
        return b"", str(error)
