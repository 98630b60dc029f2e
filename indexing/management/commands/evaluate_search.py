"""manage.py evaluate_search: measure search over queries whose expected experts are known."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from experts.safe_text import visible
from indexing.encoders import ModelEncoder, onnx_export
from indexing.encoders.model_files import ModelFiles
from indexing.errors import Cancelled, IndexingError, QueriesInvalid
from indexing.lib.translation import translated
from indexing.management.commands.verify_index import version_to_check
from indexing.quality.evaluation import CUTOFF, MODES, Evaluation, JudgedQuery, Measures, evaluate, read_queries
from indexing.quality.search_tests import queries_of_search_tests
from indexing.search import Mode
from indexing.serving import live, open_versions
from indexing.snapshot.reader import Snapshot
from indexing.worker import model_trial, signals
from indexing.worker.model_trial import Trial
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
        f"Measure search: MRR@{CUTOFF}, nDCG@{CUTOFF} and Recall@{CUTOFF} over queries whose experts are known, for "
        "each mode. With --model, compare another model with the current one: the whole directory is encoded in a "
        "temporary folder, and nothing is published. "
        "Exit codes: 0 done, 1 failed or --min-ndcg missed, 2 usage or a file that cannot be used."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # --version means the version of the index here, not Django's.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            nargs="?",
            help='JSON, [{"query": "...", "usernames": ["..."]}, ...], or CSV with the columns query,username and '
            "a row for each expected expert (default: the active search tests)",
        )
        parser.add_argument("--version", dest="number", type=int, help="a kept version (default: the live one)")
        parser.add_argument("--mode", choices=[mode.value for mode in MODES], help="one mode (default: all)")
        parser.add_argument("--model", type=Path, metavar="FOLDER", help="a sentence-transformers model to compare")
        parser.add_argument("--query-prompt", default="", help="as TCS_QUERY_PROMPT, for --model")
        parser.add_argument("--document-prompt", default="", help="as TCS_DOCUMENT_PROMPT, for --model")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
        parser.add_argument(
            "--min-ndcg",
            type=_fraction,
            metavar="X",
            help=f"exit with 1 if nDCG@{CUTOFF} of --mode (default: hybrid) is lower than X",
        )

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        """Exit codes: 0 done; 1 no index, no model, stopped, or nDCG below --min-ndcg; 2 usage, or unusable queries.

        Raises CommandError.
        """
        modes = [Mode(options["mode"])] if options["mode"] else list(MODES)
        show = TrialProgress(sys.stderr.isatty() and bool(options["verbosity"]))
        try:
            queries = read_queries(file) if file else queries_of_search_tests()
            snapshot = snapshot_of(options["number"])
            if options["model"]:
                found = self._compare(queries, snapshot, modes, options, show)
            else:
                found = evaluate(queries, snapshot, modes, progress=show.searches(len(queries) * len(modes)))
                self._report_ignored(found)
                self._write(as_data(found) if options["json"] else table(found))
        except QueriesInvalid as error:
            raise CommandError(translated(error), returncode=2) from error
        except Cancelled as error:
            raise CommandError(_("Stopped. Nothing has changed."), returncode=1) from error
        except IndexingError as error:
            raise CommandError(translated(error), returncode=1) from error
        finally:
            show.end()
        judged = modes[0] if len(modes) == 1 else Mode.HYBRID
        self._judge(judged, found.modes[judged], options["min_ndcg"])

    def _compare(
        self,
        queries: Sequence[JudgedQuery],
        snapshot: Snapshot,
        modes: Sequence[Mode],
        options: dict[str, Any],
        show: TrialProgress,
    ) -> Evaluation:
        """Compare the model of --model with the current one. Returns its measures. Raises IndexingErrors."""
        show.interruption = signals.interruption()
        encoder = ModelEncoder(
            ModelFiles.of_folder(options["model"], options["query_prompt"], options["document_prompt"])
        )
        onnx_export.ensure(encoder, only_try=True)
        texts, seconds = model_trial.seconds_to_encode(encoder)
        self.stderr.write(
            _("Encoding %(count)s profiles with %(model)s takes about %(minutes)s min. Ctrl-C stops it.")
            % {"count": f"{texts:,}", "model": visible(encoder.name), "minutes": math.ceil(seconds / 60)}
        )
        trial = model_trial.compare(encoder, queries, snapshot, modes, show)
        show.end()
        self._report_ignored(trial.current)
        names = (snapshot.manifest.model_name, encoder.name)
        self._write(trial_as_data(trial, names) if options["json"] else trial_table(trial, names))
        return trial.other

    def _write(self, found: dict[str, Any] | str) -> None:
        self.stdout.write(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False))

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


class TrialProgress:
    """A progress line in the terminal if there is one, and the end of it all after Ctrl-C."""

    def __init__(self, is_shown: bool) -> None:
        self._terminal = TerminalProgress(sys.stderr) if is_shown else None
        self.interruption: signals.Interruption | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is. Raises Cancelled after a signal."""
        if self.interruption:
            raise Cancelled
        if self._terminal:
            self._terminal.show(stage, done, total)

    def searches(self, total: int) -> Callable[[int], None]:
        """What is to be called after each of `total` searches."""
        done = itertools.count(1)
        return lambda _: self("search", next(done), total)

    def end(self) -> None:
        if self._terminal:
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
        "modes": {mode.value: _measures_as_data(each) for mode, each in found.modes.items()},
    }


def trial_table(trial: Trial, names: tuple[str, str]) -> str:
    """Both models side by side. `names`: of the current model and of the other."""
    lines = [
        _("Experts: %(experts)s, queries: %(queries)s")
        % {"experts": f"{trial.other.experts:,}", "queries": f"{trial.other.queries:,}"},
        f"{'':10}{visible(names[0]):>31.30}{visible(names[1]):>31.30}",
        f"{'':10}" + f"{f'MRR@{CUTOFF}':>10}{f'nDCG@{CUTOFF}':>10}{f'Recall@{CUTOFF}':>11}" * 2 + f"{'p':>8}",
    ]
    for mode, p in trial.p.items():
        both = (trial.current.modes[mode], trial.other.modes[mode])
        figures = "".join(f"{each.mrr:10.4f}{each.ndcg:10.4f}{each.recall:11.4f}" for each in both)
        lines.append(f"{mode:10}{figures}{p:8.3f}")
    lines.append(_("p: how likely chance alone gives a difference in nDCG this large; below 0.05 it is unlikely."))
    return "\n".join(lines)


def trial_as_data(trial: Trial, names: tuple[str, str]) -> dict[str, Any]:
    return {
        "current": {"model": names[0], **as_data(trial.current)},
        "other": {"model": names[1], **as_data(trial.other)},
        "p": {mode.value: p for mode, p in trial.p.items()},
    }


def _measures_as_data(found: Measures) -> dict[str, float]:
    return {name: value for name, value in asdict(found).items() if name != "gains"}
