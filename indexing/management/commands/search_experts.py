"""manage.py search_experts: search the live version from the command line."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.models import Expert
from experts.safe_text import visible
from indexing.errors import IndexingError
from indexing.lib.translation import translated
from indexing.search import MAX_K, Hit, Mode, Results, search
from indexing.serving import live


def hit_count(value: str) -> int:
    """Parse a whole number from 1 to MAX_K for argparse. Raises ArgumentTypeError."""
    try:
        k = int(value)
    except ValueError:
        k = 0
    if not 1 <= k <= MAX_K:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 1 to {MAX_K}")
    return k


class Command(BaseCommand):
    help = "Search the live version of the index."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="+", help="what to search for; quotes are not needed")
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.HYBRID.value)
        parser.add_argument("-k", type=hit_count, default=10, help=f"how many experts, 1 to {MAX_K} (default: 10)")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit codes: 0 done, also without hits; 1 no index, no model or no words; 2 usage. Raises CommandError."""
        try:
            found = search(" ".join(options["words"]), live.load_now(), options["k"], Mode(options["mode"]))
        except IndexingError as error:
            raise CommandError(translated(error), returncode=1) from error
        matches = len(Expert.objects.active_among(found.matches.ids.tolist()))
        if options["json"]:
            self.stdout.write(json.dumps(as_data(found, matches), ensure_ascii=False))
            return
        for place, hit in enumerate(found.hits, 1):
            if not hit.is_strong and (place == 1 or found.hits[place - 2].is_strong):
                self.stdout.write(_("Weaker matches:"))
            self.stdout.write(visible(line(place, hit), one_line=True))
        self.stderr.write(
            ngettext(
                "%(count)s expert matches in version %(version)s, searched in %(ms).0f ms",
                "%(count)s experts match in version %(version)s, searched in %(ms).0f ms",
                matches,
            )
            % {"count": matches, "version": found.version, "ms": found.seconds * 1000}
        )


def line(place: int, hit: Hit) -> str:
    role = ", ".join(part for part in (hit.expert.job_title, hit.expert.company) if part)
    similarity = "" if hit.similarity is None else f"{hit.similarity:.3f}"
    return (
        f"{place:>3}  {hit.score:>9.4f}  {similarity:>6}  {hit.expert.username:<24}  {hit.expert.full_name}  {role}"
    )


def as_data(found: Results, matches: int) -> dict[str, Any]:
    return {
        "query": found.query,
        "mode": found.mode.value,
        "version": found.version,
        "seconds": round(found.seconds, 6),
        "matches": matches,
        "more_matches": found.matches.is_cut_off,
        "hits": [
            {
                "username": hit.expert.username,
                "name": hit.expert.full_name,
                "job_title": hit.expert.job_title,
                "company": hit.expert.company,
                "score": hit.score,
                "strong": hit.is_strong,
                "similarity": hit.similarity,
                "semantic_rank": hit.semantic_rank,
                "keyword_rank": hit.keyword_rank,
            }
            for hit in found.hits
        ],
    }
