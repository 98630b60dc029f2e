"""What TCS needs of a Milvus, tried with derived vectors in a collection that belongs to no version."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import numpy as np

from experts.folding import folded
from experts.profiles.records import ExpertRecord
from indexing.errors import IndexingError
from indexing.lib.messages import message
from indexing.snapshot import milvus_vectors
from indexing.snapshot.engine import SearchableVectors, VersionVectors
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.files_engine import MappedVectors
from indexing.snapshot.meaning_index import MeaningIndex
from indexing.snapshot.milvus_engine import MilvusEngine, collection_name
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.prefilter import KeywordConditions, Prefilter, city_label
from indexing.snapshot.recall import WANTED, least_effort

T = TypeVar("T")

FEWEST = 200
DIMENSION = 64
QUERIES = 20
SAME = 1e-4
LEAST_FILTERED = 0.8
"""recall@10 of an approximate search with a filter, of vectors without any clumps, which are the hardest to find."""
CITIES = ("zurich", 'a "quoted" \\ town', "東京")


@dataclass(frozen=True, slots=True)
class Step:
    """Something that holds, and how long it took."""

    name: str
    seconds: float


def check(engine: MilvusEngine, folder: Path, experts: int) -> Iterator[Step]:
    """Every step as it is done. Raises IndexingError at the first that fails. The collection is always dropped."""
    of = _made_up(folder, experts)
    name = collection_name(of.number, of.fence)
    try:
        for approximate in (False, True):
            kind = "approximate" if approximate else "exact"
            build = partial(engine.build, of, approximate=approximate)
            made, step = _timed(f"{kind}: build, load and count", build)
            yield step
            yield from _searched(made, of, kind, approximate=approximate)
        yield _timed("alias, release and load again", lambda: _moved(engine, made, name))[1]
    finally:
        engine.drop(of)
    if any(each.name == name for each in engine.collections()):
        raise _differs("drop")
    yield Step("drop", 0.0)


def _searched(made: SearchableVectors, of: VersionVectors, kind: str, *, approximate: bool) -> Iterator[Step]:
    count = len(of.facets)
    remote = MeaningIndex(made, count, of.passages)
    here = MeaningIndex(MappedVectors(of.matrix, of.passages, None), count, of.passages)
    quality, step = _timed(
        f"{kind}: recall@10", lambda: least_effort(made, of.matrix, WANTED, of.passages.texts(made.count, count))
    )
    if quality.recall < (WANTED if approximate else 0.999):
        raise _differs(f"{kind}: recall@10 is {quality.recall:.3f}")
    yield step
    some = of.matrix[np.linspace(0, len(of.matrix) - 1, QUERIES, dtype=np.int64)]
    for what, only in (("no filter", None), *_filters(of)):
        began, same, wanted = time.monotonic(), 0, 0
        for query in some:
            (found, near), (expected, _) = remote.nearest(query, 10, only), here.nearest(query, 10, only)
            same, wanted = same + len(np.intersect1d(found, expected)), wanted + len(expected)
            true = here.similarities(query, found)  # an approximate search may miss somebody's best passage
            if (near > true + SAME).any() or not (approximate or np.allclose(near, true, atol=SAME)):
                raise _differs(f"{kind}, {what}: other similarities")
        if same < (LEAST_FILTERED if approximate else 1) * wanted:
            raise _differs(f"{kind}, {what}: finds {same} of {wanted}")
        yield Step(f"{kind}: a search with {what}", (time.monotonic() - began) / QUERIES)


def _filters(of: VersionVectors) -> Iterator[tuple[str, Prefilter]]:
    places = of.facets.places
    assert places is not None  # noqa: S101  see `_made_up`
    for city in CITIES:
        conditions = KeywordConditions(labels=((city_label(folded(city)),),))
        yield f"the city {city}", Prefilter(places.cities.having([folded(city)]), conditions)
    rate = of.facets.rate
    both = (rate >= 30) & (rate <= 60)
    yield "a range of rates", Prefilter(both, KeywordConditions(rate=(30.0, 60.0)))
    few = np.arange(len(rate)) < milvus_vectors.LISTED // 5
    yield "few experts", Prefilter(few, KeywordConditions())
    yield "what only the files know", Prefilter(np.arange(len(rate)) % 3 > 0, KeywordConditions())


def _moved(engine: MilvusEngine, made: milvus_vectors.MilvusVectors, name: str) -> None:
    alias = f"tcs_check_{uuid4().hex[:8]}"
    engine.point_alias(alias, name)
    try:
        if not any(each.name == name and each.is_aliased for each in engine.collections()):
            raise _differs("the alias is not where it was put")
    finally:
        engine.drop_alias(alias)
    engine.release(name)
    made.require_ready()


def _made_up(folder: Path, experts: int) -> VersionVectors:
    """Experts in cities and with rates; every fifth has eight passages."""
    people = [
        ExpertRecord(
            id=key,
            username=f"check-{key}",
            first_name="",
            last_name="",
            job_title="",
            company="",
            bio="",
            hourly_rate=Decimal(20 + key % 80),
            currency="EUR",
            category="",
            has_photo=False,
            tagged_for="",
            city=CITIES[key % len(CITIES)],
        )
        for key in range(1, experts + 1)
    ]
    passages = PassageRows(np.array([(row, 0, 1) for row in range(0, experts, 5) for _ in range(8)], np.int32))
    dice = np.random.default_rng(0)
    matrix = dice.normal(size=(experts, DIMENSION))
    matrix = np.concatenate([matrix, matrix[passages.table[:, 0]] + dice.normal(size=(len(passages), DIMENSION))])
    matrix = (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)
    fence = uuid4().int % 10**9
    facets = FacetColumns.from_records(people, {})
    return VersionVectors(folder, 999_999, fence, "check", np.arange(1, experts + 1), matrix, passages, facets)


def _timed(name: str, work: Callable[[], T]) -> tuple[T, Step]:
    began = time.monotonic()
    return work(), Step(name, time.monotonic() - began)


def _differs(what: str) -> IndexingError:
    return IndexingError(message("This Milvus cannot be used: %(what)s.", what=what))
