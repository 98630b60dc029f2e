"""The vectors of one version in Milvus: a collection that is never changed after it was built.

It has a row for each text: for experts with one vector, and for passages, but not for the means of these.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.errors import CollectionInvalid, VectorsUnavailable
from indexing.lib.messages import message
from indexing.snapshot import milvus_filters
from indexing.snapshot.engine import Found
from indexing.snapshot.manifest import EXACT, HNSW
from indexing.snapshot.milvus_client import COLLECTION_NOT_LOADED, MilvusConnection
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.prefilter import Prefilter

logger = logging.getLogger(__name__)

DEEPEST = 16_384
"""Milvus returns no more hits, and no more rows."""
QUERIES_AT_ONCE = 100
VECTORS_AT_ONCE = 1_000
METRIC = "IP"
"""Inner product; all vectors have unit length."""
LISTED = 500
"""Up to that many experts are named in the expression: that takes 15 ms, 10,000 take 200 ms."""
LOAD_SECONDS = 50.0
"""How long opening waits until Milvus has loaded a collection; a page would wait no longer either."""
LOOK_SECONDS = 0.25
NOTHING: Found = (np.empty(0, np.int64), np.empty(0, np.float32))


class MilvusVectors:
    """A collection, opened to be searched."""

    matrix = None
    compares_all = False

    def __init__(
        self,
        connection: MilvusConnection,
        name: str,
        passages: PassageRows,
        *,
        experts: int,
        dimension: int,
        effort: int | None,
    ) -> None:
        """`effort` is that of its HNSW index; None if it compares every vector."""
        self._connection = connection
        self._passages = passages
        self._first_passage = experts
        self._effort = effort
        self.name = name
        self.count = experts - len(passages.owners) + len(passages)
        self.dimension = dimension

    @property
    def kind(self) -> str:
        return HNSW if self._effort else EXACT

    @property
    def effort(self) -> int:
        return self._effort or self.count

    def with_effort(self, effort: int) -> MilvusVectors:
        """The same collection, searched with another effort."""
        return MilvusVectors(
            self._connection,
            self.name,
            self._passages,
            experts=self._first_passage,
            dimension=self.dimension,
            effort=effort,
        )

    def search(self, vectors: NDArray[np.float32], k: int) -> Found:
        """int64[m, j] and float32[m, j] for float32[m, d]. Raises VectorsUnavailable."""
        k = min(k, self.count)
        rows, similarities = np.full((len(vectors), k), -1, np.int64), np.zeros((len(vectors), k), np.float32)
        for start in range(0, len(vectors), QUERIES_AT_ONCE):
            for place, (ids, near) in enumerate(self._search(vectors[start : start + QUERIES_AT_ONCE], k), start):
                rows[place, : len(ids)], similarities[place, : len(ids)] = ids, near
        return rows, similarities

    def reader(self, vector: NDArray[np.float32], only: Prefilter | None) -> Callable[[int], Found]:
        """For a `vector`, float32[d]. What it returns raises VectorsUnavailable."""
        if only is None:
            return lambda k: self._search([vector], k)[0]
        if not only.count:
            return lambda k: NOTHING
        if only.count <= LISTED:
            listed = milvus_filters.of_experts(np.flatnonzero(only.mask))
            return lambda k: self._search([vector], k, listed)[0]
        return lambda k: self._among(vector, k, only)

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32[k, d] of int64[k]. Raises VectorsUnavailable."""
        different, places = np.unique(rows, return_inverse=True)
        found = np.empty((len(different), self.dimension), np.float32)
        for start in range(0, len(different), VECTORS_AT_ONCE):
            wanted = different[start : start + VECTORS_AT_ONCE]
            given = self._call("query", ids=wanted.tolist(), output_fields=["row", "vector"])
            if len(given) != len(wanted):
                raise self._connection.unavailable(
                    f"collection {self.name} has {len(given)} of {len(wanted)} vectors"
                )
            at = np.searchsorted(different, [each["row"] for each in given])
            found[at] = np.array([each["vector"] for each in given], np.float32)
        return found[places]

    def require_ready(
        self, advance: Callable[[int], None] = lambda count: None, seconds: float = LOAD_SECONDS
    ) -> None:
        """Check that the collection is loaded and has all its rows; has it loaded if it is not.

        `advance(0)` is called while it waits, at most for some `seconds`. Raises VectorsUnavailable and
        CollectionInvalid.
        """
        began, said = time.monotonic(), -1
        while True:
            state = self._load_state()
            if state["state"].name == "Loaded":
                break
            if state["state"].name == "NotLoad":
                self._call("load_collection", _async=True)
            progress = int(state.get("progress") or 0)
            if progress != said:
                logger.info("Loading collection %s into Milvus: %d %%", self.name, progress)
                said = progress
            if time.monotonic() - began > seconds:
                raise CollectionInvalid(
                    message(
                        "Milvus is still loading collection %(name)s (%(percent)d %%). Try again in a minute.",
                        name=self.name,
                        percent=progress,
                    )
                )
            advance(0)
            time.sleep(LOOK_SECONDS)
        self._check_count()

    def _check_count(self) -> None:
        given = self._call("query", filter="", output_fields=["count(*)"], consistency_level="Strong")
        found = int(given[0]["count(*)"])
        if found != self.count:
            raise CollectionInvalid(
                message(
                    "Milvus’ collection %(name)s has %(found)d vectors, the manifest says %(count)d. Rebuild the "
                    "index.",
                    name=self.name,
                    found=found,
                    count=self.count,
                )
            )

    def _load_state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._call("get_load_state")
        if state["state"].name == "NotExist":
            raise self._missing()
        return state

    def _missing(self) -> CollectionInvalid:
        return CollectionInvalid(message("Milvus has no collection %(name)s. Rebuild the index.", name=self.name))

    def _among(self, vector: NDArray[np.float32], k: int, only: Prefilter) -> Found:
        """Reads deeper until k of the hits pass the mask: phrases and excluded words are in no field of Milvus."""
        expression, depth = milvus_filters.of_conditions(only.conditions), k
        while True:
            rows, similarities = self._search([vector], depth, expression)[0]
            passing = only.mask[self._experts_of(rows)]
            if passing.sum() >= k or len(rows) < min(depth, DEEPEST):
                return rows[passing][:k], similarities[passing][:k]
            if depth >= DEEPEST:
                listed = milvus_filters.of_experts(np.flatnonzero(only.mask))
                return self._search([vector], k, listed)[0]
            depth *= 4

    def _experts_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        experts = rows.copy()
        is_passage = rows >= self._first_passage
        experts[is_passage] = self._passages.table[rows[is_passage] - self._first_passage, 0]
        return experts

    def _search(
        self, vectors: Sequence[NDArray[np.float32]] | NDArray[np.float32], k: int, expression: str = ""
    ) -> list[Found]:
        limit = min(k, self.count, DEEPEST)
        if not limit:
            return [NOTHING] * len(vectors)
        found = self._call(
            "search",
            data=list(vectors),
            limit=limit,
            filter=expression,
            search_params={"metric_type": METRIC, "params": {"ef": max(self._effort, limit)} if self._effort else {}},
            consistency_level="Eventually",  # it never changes, and its rows were counted before anybody searches it
        )
        return [(np.array(hits.ids, np.int64), np.array(hits.distances, np.float32)) for hits in found]

    def _call(self, name: str, **options: Any) -> Any:
        try:
            return self._connection.call(name, self.name, **options)
        except VectorsUnavailable as error:
            if error.code == COLLECTION_NOT_LOADED:
                with suppress(VectorsUnavailable):  # so that it can be searched a little later
                    self._connection.call("load_collection", self.name, _async=True)
            raise
