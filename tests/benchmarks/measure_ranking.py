"""How well searches rank known experts; runs in a process with a data folder of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management import call_command
from numpy.typing import NDArray

from experts.models import Expert
from indexing import encoders
from indexing.encoders.protocol import QUERY
from indexing.lib import paths
from indexing.models import IndexState
from indexing.quality.evaluation import CUTOFF, ndcg, recall, reciprocal_rank
from indexing.search import MAX_K, Mode, search
from indexing.serving import live
from indexing.snapshot.reader import Snapshot
from tests.benchmarks.common import BenchmarkFailed

MEASURES = {"ndcg": ndcg, "recall": recall, "mrr": reciprocal_rank}
FUSIONS = (10, 60)
"""The k of fusion by rank, the baseline that hybrid search must beat: 1 / (k + rank), summed over both lists."""


@dataclass(frozen=True, slots=True)
class DevSet:
    """Queries whose experts are known, and the directory to ask."""

    directory: str
    """A file of experts in the data folder; empty: the sample experts."""
    queries: str


SETS = {
    "speakers": DevSet("speakers.csv", "speaker_queries_dev.json"),
    "three words": DevSet("speakers.csv", "speaker_short_queries_dev.json"),
    "sentences": DevSet("", "sentences_dev.json"),
    "long": DevSet("long_profiles.csv", "long_profile_queries_dev.json"),
}


def folder_name(directory: str) -> str:
    """The data folder of a directory, below the folder of the benchmark."""
    return Path(directory).stem or "samples"


def prepare(data: Path, directory: str, *, rebuild: bool) -> None:
    """Read the directory in and build a version of it, unless there is one already. Raises CommandError."""
    call_command("migrate", interactive=False, verbosity=0)
    if not Expert.objects.exists():
        if directory:
            call_command("import_experts", str(data / directory), verbosity=0)
        else:
            call_command("load_samples", verbosity=0)
    if rebuild or not IndexState.objects.filter(live_version__isnull=False).exists():
        call_command("rebuild_index", verbosity=0)


def measure(data: Path, names: Sequence[str], report: Callable[[str], None]) -> dict[str, Any]:
    """Set -> way of searching -> measure -> one value for each query. Raises BenchmarkFailed and IndexingError."""
    snapshot = live.load_now()
    measured = {}
    for name in names:
        report(f"Measuring {name}")
        queries = list(_judged(data / SETS[name].queries))
        vectors = _vectors([text for text, _ in queries], snapshot)
        lists = [_ranked(text, vector, snapshot) for (text, _), vector in zip(queries, vectors, strict=True)]
        measured[name] = {
            way: {
                measure: [
                    round(function(ranked[way], relevant, CUTOFF), 5)
                    for ranked, (_, relevant) in zip(lists, queries, strict=True)
                ]
                for measure, function in MEASURES.items()
            }
            for way in lists[0]
        }
    return measured


def _judged(file: Path) -> Iterator[tuple[str, frozenset[int]]]:
    """Each query and the ids of its experts."""
    experts = Expert.objects.active()
    by_username = dict(experts.values_list("username", "pk"))
    for entry in json.loads(file.read_text(encoding="utf-8")):
        relevant = {by_username[each] for each in entry.get("usernames", ()) if each in by_username}
        if titles := entry.get("titles"):
            relevant.update(experts.filter(job_title__in=titles).values_list("pk", flat=True))
        if not relevant:
            raise BenchmarkFailed(f"Nobody in the directory answers “{entry['query']}” of {file}.")
        yield entry["query"], frozenset(relevant)


def _vectors(texts: Sequence[str], snapshot: Snapshot) -> NDArray[np.float32]:
    """float32[n, d] of the queries. Those encoded before are in a file: tuning asks the same ones many times."""
    file = paths.versions_folder().parent / f"query-vectors-{snapshot.manifest.fingerprint[:16]}.npz"
    known: dict[str, NDArray[np.float32]] = {}
    if file.exists():
        with np.load(file, allow_pickle=False) as stored:
            known = dict(zip(stored["texts"].tolist(), stored["vectors"], strict=True))
    if missing := [text for text in dict.fromkeys(texts) if text not in known]:
        known |= dict(zip(missing, encoders.loaded().encode(missing, QUERY), strict=True))
        np.savez(file, texts=np.array(list(known)), vectors=np.stack(list(known.values())))
    return np.stack([known[text] for text in texts])


def _ranked(text: str, vector: NDArray[np.float32], snapshot: Snapshot) -> dict[str, list[int]]:
    """Way of searching -> expert ids, best first."""
    words, meaning, hybrid = (
        [hit.expert.pk for hit in search(text, snapshot, k, mode, vector=vector).hits]
        for mode, k in ((Mode.KEYWORD, MAX_K), (Mode.SEMANTIC, MAX_K), (Mode.HYBRID, CUTOFF))
    )
    fused = {f"ranks k={k}": _by_rank(words, meaning, k) for k in FUSIONS}
    return {"words": words, "meaning": meaning, **fused, "hybrid": hybrid}


def _by_rank(words: Sequence[int], meaning: Sequence[int], k: int) -> list[int]:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009); equal sums are ordered by id."""
    sums: dict[int, float] = {}
    for ranked in (words, meaning):
        for rank, each in enumerate(ranked, 1):
            sums[each] = sums.get(each, 0.0) + 1 / (k + rank)
    return sorted(sums, key=lambda each: (-sums[each], each))


def mean(values: Mapping[str, Sequence[float]], measure: str) -> float:
    """The mean of one measure over all queries."""
    return float(np.mean(values[measure]))
