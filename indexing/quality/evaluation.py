"""Evaluate search: measures over queries whose expected experts are known.

The measures are pure functions over one ranked list. An expert is relevant or not, so gains are 1 or 0.
"""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from experts.models import Expert
from experts.profiles.letters import plain_letters
from indexing import encoders
from indexing.encoders.protocol import QUERY, Encoder
from indexing.encoders.same_model import require_same_model
from indexing.errors import QueriesInvalid
from indexing.lib.messages import Message, message
from indexing.search import Mode, search
from indexing.snapshot.reader import Snapshot

MODES = (Mode.SEMANTIC, Mode.KEYWORD, Mode.HYBRID)
"""In the order in which they are compared: the single rankings before the combined one."""
CUTOFF = 10
"""The k of all measures: only the first k hits count."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    text: str
    usernames: tuple[str, ...]
    """Usernames of the experts that the query should find: at least one, none twice."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Means over all queries, each between 0 and 1."""

    mrr: float
    ndcg: float
    recall: float
    seconds: float = field(default=0.0, compare=False)
    """Seconds for all searches together, without encoding the queries."""
    gains: tuple[float, ...] = field(default=(), compare=False)
    """nDCG@10 of each query, in their order."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    version: int
    experts: int
    """in the version"""
    queries: int
    """that were run: those with an expert to find"""
    skipped: tuple[str, ...]
    """queries whose expected experts are all unknown"""
    unknown: tuple[str, ...]
    """usernames that match no active expert: ignored, since no search could show them"""
    modes: Mapping[Mode, Measures]


def reciprocal_rank(ranked: Sequence[Hashable], relevant: Set[Hashable], k: int = CUTOFF) -> float:
    """RR@k, 0 to 1: 1 / rank of the first relevant item among the first `k`, 0 if there is none.

    Its mean over queries is MRR (Voorhees, TREC-8 Question Answering Track, 1999).
    """
    return next((1 / rank for rank, each in enumerate(ranked[:k], 1) if each in relevant), 0.0)


def ndcg(ranked: Sequence[Hashable], relevant: Set[Hashable], k: int = CUTOFF) -> float:
    """nDCG@k, 0 to 1: DCG@k / IDCG@k, with DCG@k = sum of 1 / log2(rank + 1) over the relevant among the first `k`.

    IDCG@k is the DCG of a list that begins with all relevant items (Järvelin and Kekäläinen, ACM TOIS 20(4), 2002,
    with the discount that starts at the second rank, as in trec_eval). 0 if nothing is relevant.
    """
    gained = sum(_discount(rank) for rank, each in enumerate(ranked[:k], 1) if each in relevant)
    ideal = sum(_discount(rank) for rank in range(1, min(k, len(relevant)) + 1))
    return gained / ideal if ideal else 0.0


def recall(ranked: Sequence[Hashable], relevant: Set[Hashable], k: int = CUTOFF) -> float:
    """Recall@k, 0 to 1: relevant items among the first `k` / all relevant items; 0 if nothing is relevant."""
    return len(relevant & set(ranked[:k])) / len(relevant) if relevant else 0.0


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)


def read_queries(path: Path) -> list[JudgedQuery]:
    """Read queries from JSON or CSV. Raises QueriesInvalid, which names the file, the place and the value.

    JSON is `[{"query": ..., "usernames": [...]}, ...]`; CSV has the columns `query` and `username`, and a row for
    each expected expert.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QueriesInvalid(
            message("%(file)s cannot be read: %(error)s.", file=path, error=error.strerror)
        ) from error
    except UnicodeDecodeError as error:
        raise QueriesInvalid(
            message("%(file)s is not in UTF-8 (byte %(byte)s). Save it as UTF-8.", file=path, byte=error.start)
        ) from error
    read = _from_json if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{") else _from_csv
    queries = list(read(path, text))
    if not queries:
        raise QueriesInvalid(message("%(file)s contains no queries.", file=path))
    return queries


def _from_json(path: Path, text: str) -> Iterator[JudgedQuery]:
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise QueriesInvalid(message("%(file)s is not JSON: %(error)s.", file=path, error=error)) from error
    if not isinstance(entries, list):
        raise QueriesInvalid(message("%(file)s must be a JSON list of {“query”, “usernames”}.", file=path))
    for number, entry in enumerate(entries, 1):
        query = entry.get("query") if isinstance(entry, dict) else None
        usernames = entry.get("usernames") if isinstance(entry, dict) else None
        if not _is_text(query):
            raise _invalid(path, message("entry %(number)s", number=number), "query", query, message("a text"))
        if not isinstance(usernames, list) or not usernames or not all(_is_text(each) for each in usernames):
            expected = message("a list of at least one username")
            raise _invalid(path, message("entry %(number)s", number=number), "usernames", usernames, expected)
        yield JudgedQuery(query.strip(), tuple(dict.fromkeys(each.strip() for each in usernames)))


def _from_csv(path: Path, text: str) -> Iterator[JudgedQuery]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = [column for column in ("query", "username") if column not in (rows.fieldnames or ())]
    if missing:
        raise QueriesInvalid(
            message(
                "%(file)s has no column %(columns)s. Its first line must be “query,username”.",
                file=path,
                columns=", ".join(missing),
            )
        )
    expected: dict[str, dict[str, None]] = {}
    try:
        for row in rows:
            for column in ("query", "username"):
                if not (row[column] or "").strip():
                    place = message("line %(number)s", number=rows.line_num)
                    raise _invalid(path, place, column, row[column], message("a text"))
            expected.setdefault(row["query"].strip(), {})[row["username"].strip()] = None
    except csv.Error as error:
        raise QueriesInvalid(
            message("%(file)s, line %(line)s: %(error)s.", file=path, line=rows.line_num, error=error)
        ) from error
    for query, usernames in expected.items():
        yield JudgedQuery(query, tuple(usernames))


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())


def _invalid(path: Path, place: Message, name: str, value: object, expected: Message) -> QueriesInvalid:
    return QueriesInvalid(
        message(
            "%(file)s, %(place)s: “%(name)s” is %(value)s, expected: %(expected)s.",
            file=path,
            place=place,
            name=name,
            value=repr(value)[:80],
            expected=expected,
        )
    )


def evaluate(
    queries: Sequence[JudgedQuery],
    snapshot: Snapshot,
    modes: Sequence[Mode] = MODES,
    *,
    encoder: Encoder | None = None,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Run every query on `snapshot` in each of `modes`, as the search page does, and measure the first ten hits.

    Usernames are compared regardless of case. Those that match no active expert are ignored, and so are queries that
    then expect nobody. An active expert who is not in the version does count: a newer version would find them.
    `encoder` has the version's model, if that is not the configured one. `progress(searches)` is called after each
    search and may raise. Raises QueriesInvalid if no query is left, and EncoderUnavailable.
    """
    known, skipped, unknown = _with_known_usernames(queries)
    texts = [query.text for query in known]
    only_words = set(modes) == {Mode.KEYWORD}
    vectors = [None] * len(texts) if only_words else _vectors(texts, snapshot, encoder or encoders.loaded())
    measured = {}
    for mode in modes:
        began = time.perf_counter()
        ranked = []
        for text, vector in zip(texts, vectors, strict=True):
            hits = search(text, snapshot, CUTOFF, mode, vector=vector).hits
            ranked.append([hit.expert.username for hit in hits])
            if progress is not None:
                progress(1)
        measured[mode] = _measures(known, ranked, time.perf_counter() - began)
    return Evaluation(snapshot.number, len(snapshot), len(known), tuple(skipped), tuple(unknown), measured)


def _with_known_usernames(queries: Sequence[JudgedQuery]) -> tuple[list[JudgedQuery], list[str], list[str]]:
    """The queries with usernames as the directory spells them; texts that expect nobody now; unknown usernames.

    Raises QueriesInvalid if no query is left.
    """
    active = {username.lower(): username for username in Expert.objects.active().values_list("username", flat=True)}
    known, skipped = [], []
    unknown: dict[str, None] = {}
    for query in queries:
        usernames = tuple(dict.fromkeys(active[each.lower()] for each in query.usernames if each.lower() in active))
        unknown.update((each, None) for each in query.usernames if each.lower() not in active)
        if usernames:
            known.append(JudgedQuery(query.text, usernames))
        else:
            skipped.append(query.text)
    if not known:
        raise QueriesInvalid(
            message(
                "None of the %(count)s usernames matches an active expert (first: %(first)s). "
                "Is this the right directory?",
                count=len(unknown),
                first=next(iter(unknown), ""),
            )
        )
    return known, skipped, list(unknown)


def _vectors(texts: Sequence[str], snapshot: Snapshot, encoder: Encoder) -> NDArray[np.float32]:
    """float32[n, d] of the texts. Batches of equal length are several times faster than one text after another."""
    require_same_model(encoder, snapshot.manifest)
    return encoder.encode([plain_letters(text) for text in texts], QUERY)


def _measures(queries: Sequence[JudgedQuery], ranked: Sequence[Sequence[str]], seconds: float) -> Measures:
    pairs = [(each, frozenset(query.usernames)) for query, each in zip(queries, ranked, strict=True)]
    gains = tuple(ndcg(*pair) for pair in pairs)
    return Measures(
        mrr=fmean(reciprocal_rank(*pair) for pair in pairs),
        ndcg=fmean(gains),
        recall=fmean(recall(*pair) for pair in pairs),
        seconds=seconds,
        gains=gains,
    )
