"""manage.py evaluate_search: measure search over queries whose expected experts are known."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from experts.safe_text import visible
from indexing.errors import IndexingError, QueriesInvalid
from indexing.lib.translation import translated
from indexing.management.commands.verify_index import version_to_check
from indexing.quality.evaluation import CUTOFF, MODES, Evaluation, Measures, evaluate, read_queries
from indexing.search import Mode
from indexing.serving import live, open_versions
from indexing.snapshot.reader import Snapshot
from indexing.worker.terminal import TerminalProgress

NAMED = 5
"""Unknown usernames shown in the terminal; --json lists them all."""


def _fraction(value: str) -> float:
    """Parse a number from 0 to 1 for argparse. Raises ArgumentTypeError."""
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 0 to 1")
    return number


class Command(BaseCommand):
    help = (
        f"Measure search: MRR@{CUTOFF}, nDCG@{CUTOFF} and Recall@{CUTOFF} over the queries of a file, for each mode. "
        "Exit codes: 0 done, 1 failed or --min-ndcg missed, 2 usage or a file that cannot be used."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # --version means the version of the index here, not Django's.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help='JSON, [{"query": "...", "usernames": ["..."]}, ...], or CSV with the columns query,username and '
            "a row for each expected expert",
        )
        parser.add_argument("--version", dest="number", type=int, help="a kept version (default: the live one)")
        parser.add_argument("--mode", choices=[mode.value for mode in MODES], help="one mode (default: all)")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
        parser.add_argument(
            "--min-ndcg",
            type=_fraction,
            metavar="X",
            help=f"exit with 1 if nDCG@{CUTOFF} of --mode (default: hybrid) is lower than X",
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Exit codes: 0 done; 1 no index, no model, or nDCG below --min-ndcg; 2 usage, or unusable queries.

        Raises CommandError.
        """
        modes = [Mode(options["mode"])] if options["mode"] else list(MODES)
        try:
            queries = read_queries(file)
        except QueriesInvalid as error:
            raise CommandError(translated(error), returncode=2) from error
        shows_progress = sys.stderr.isatty() and options["verbosity"]
        progress = EvaluationProgress(len(queries) * len(modes)) if shows_progress else None
        try:
            found = evaluate(queries, snapshot_of(options["number"]), modes, progress=progress)
        except QueriesInvalid as error:
            raise CommandError(translated(error), returncode=2) from error
        except IndexingError as error:
            raise CommandError(translated(error), returncode=1) from error
        finally:
            if progress:
                progress.end()
        self._report_ignored(found)
        self.stdout.write(json.dumps(as_data(found), ensure_ascii=False) if options["json"] else table(found))
        judged = modes[0] if len(modes) == 1 else Mode.HYBRID
        self._judge(judged, found.modes[judged], options["min_ndcg"])

    def _report_ignored(self, found: Evaluation) -> None:
        if found.unknown:
            named = ", ".join(found.unknown[:NAMED]) + (", …" if len(found.unknown) > NAMED else "")
            self.stderr.write(
                visible(
                    _("%(count)s usernames match no active expert and are ignored: %(named)s")
                    % {"count": len(found.unknown), "named": named},
                    one_line=True,
                )
            )
        if found.skipped:
            self.stderr.write(_("%s queries have no other expected experts and are skipped.") % len(found.skipped))

    def _judge(self, mode: Mode, measures: Measures, least: float | None) -> None:
        if least is not None and measures.ndcg < least:
            raise CommandError(
                _("nDCG@%(at)s of %(mode)s is %(found).4f, below %(least).4f.")
                % {"at": CUTOFF, "mode": mode, "found": measures.ndcg, "least": least},
                returncode=1,
            )


class EvaluationProgress:
    """A progress line in the terminal, one step per search."""

    def __init__(self, total: int) -> None:
        self._terminal = TerminalProgress(sys.stderr)
        self._done, self._total = 0, total

    def __call__(self, searches: int) -> None:
        self._done += searches
        self._terminal.show("search", self._done, self._total)

    def end(self) -> None:
        self._terminal.write("")


def snapshot_of(number: int | None) -> Snapshot:
    """The version to measure. Raises NoIndexYet, SnapshotInvalid, or IndexingError if there is no such version."""
    return live.load_now() if number is None else open_versions.open_version(version_to_check(number))


def table(found: Evaluation) -> str:
    lines = [
        _("Version %(version)s; experts: %(experts)s, queries: %(queries)s")
        % {"version": found.version, "experts": f"{found.experts:,}", "queries": f"{found.queries:,}"},
        f"{'':10}{f'MRR@{CUTOFF}':>10}{f'nDCG@{CUTOFF}':>10}{f'Recall@{CUTOFF}':>11}{'ms':>8}",
    ]
    lines += [
        f"{mode:10}{each.mrr:10.4f}{each.ndcg:10.4f}{each.recall:11.4f}{each.seconds / found.queries * 1000:8.1f}"
        for mode, each in found.modes.items()
    ]
    return "\n".join(lines)


def as_data(found: Evaluation) -> dict[str, Any]:
    return {
        "version": found.version,
        "experts": found.experts,
        "at": CUTOFF,
        "queries": found.queries,
        "skipped": list(found.skipped),
        "unknown_usernames": list(found.unknown),
        "modes": {mode.value: asdict(each) for mode, each in found.modes.items()},
    }
