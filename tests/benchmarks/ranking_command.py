"""`python -m tests.benchmarks ranking`: how well searches rank, over several directories at once."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from indexing.quality.significance import paired_p
from tests.benchmarks import measure_ranking
from tests.benchmarks.common import BenchmarkFailed, print_json, report, run_inside
from tests.benchmarks.measure_ranking import SETS, folder_name, mean

HELP = (
    "Measure nDCG@10, Recall@10 and MRR@10 by words, by meaning, by both and of fusion by rank, on all dev "
    "sets. Encodes about 12,800 profiles the first time: give --folder to keep them."
)
DATA = settings.BASE_DIR.parent / "shared" / "data"
NOTE = "p: two-sided paired bootstrap of nDCG@10, against the hybrid of the same run, or against the file."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, default=DATA, help="folder with the directories and queries (%(default)s)")
    add("--sets", choices=list(SETS), nargs="+", default=list(SETS), help="which ones (all)")
    add("--folder", type=Path, help="keep the built versions here, and use those that are there")
    add("--rebuild", action="store_true", help="build new versions in --folder; vectors are reused")
    add("--save", type=Path, metavar="FILE", help="write the value of every query, to compare with later")
    add("--against", type=Path, metavar="FILE", help="compare with what --save wrote before")
    add("--json", action="store_true", help="one JSON object on stdout")
    add("--inside", choices=("prepare", "measure"), help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> None:
    """Print the figures. Raises BenchmarkFailed and IndexingError."""
    if options.inside == "prepare":
        measure_ranking.prepare(options.data, SETS[options.sets[0]].directory, rebuild=options.rebuild)
        return
    if options.inside == "measure":
        sys.stdout.write(json.dumps(measure_ranking.measure(options.data, options.sets, report)))
        return
    if not options.data.is_dir():
        raise BenchmarkFailed(f"There is no folder {options.data}: give --data.")
    measured = _measured(options)
    if options.save:
        options.save.write_text(json.dumps(measured), encoding="utf-8")
    before = json.loads(options.against.read_text(encoding="utf-8")) if options.against else {}
    rows = list(summary(measured, before))
    if options.json:
        print_json({"note": NOTE, "rows": rows})
        return
    sys.stdout.write("\n".join([*table(rows), NOTE, ""]))


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    if options.folder:
        return _in_folder(options, options.folder)
    with tempfile.TemporaryDirectory(prefix="tcs-benchmark-") as folder:
        return _in_folder(options, Path(folder))


def _in_folder(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Every directory in a process of its own, since a process has one data folder."""
    measured: dict[str, Any] = {}
    for directory in dict.fromkeys(SETS[name].directory for name in options.sets):
        own = folder / folder_name(directory)
        own.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"TCS_DATA_DIR": str(own), "DATABASE_URL": "", "REDIS_URL": ""}
        names = [name for name in options.sets if SETS[name].directory == directory]
        arguments = ["--data", str(options.data), "--sets", *names]
        report(f"Preparing {own.name}")
        rebuild = ["--rebuild"] if options.rebuild else []
        run_inside(["ranking", "--inside", "prepare", *rebuild, *arguments], environment)
        measured |= json.loads(run_inside(["ranking", "--inside", "measure", *arguments], environment))
    return measured


def summary(measured: dict[str, Any], before: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each set and way of searching: the means, and p against `before`, or else against the hybrid."""
    for name, ways in measured.items():
        for way, values in ways.items():
            row = {"set": name, "way": way} | {each: mean(values, each) for each in measure_ranking.MEASURES}
            earlier = before.get(name, {}).get(way)
            if earlier:
                row["before"] = mean(earlier, "ndcg")
            reference = earlier or (ways["hybrid"] if not before and way != "hybrid" else None)
            if reference:
                row["p"] = paired_p(reference["ndcg"], values["ndcg"])
            yield row


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{'':13}{'':12}{'nDCG@10':>9}{'Recall@10':>11}{'MRR@10':>9}{'before':>9}{'p':>9}"
    for row in rows:
        before, p = row.get("before"), row.get("p")
        yield (
            f"{row['set']:13}{row['way']:12}{row['ndcg']:9.4f}{row['recall']:11.4f}{row['mrr']:9.4f}"
            f"{'' if before is None else f'{before:.4f}':>9}{'' if p is None else f'{p:.4f}':>9}"
        )
