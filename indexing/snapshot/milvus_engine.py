"""The engine for more vectors than the memory of one machine holds: a Milvus server or cluster.

A version's collection is named after its number and fence, and never changed after it was built. It is marked with
the database that it belongs to, as several may use one cluster. The version's files have everything else, and the
vectors too: the next build reuses those, the map and similar experts are made from them.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.errors import VectorsUnavailable
from indexing.lib import pulse
from indexing.snapshot import milvus_filters
from indexing.snapshot.engine import VersionVectors
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.manifest import MILVUS, Manifest
from indexing.snapshot.milvus_client import COLLECTION_NOT_FOUND, MilvusConnection
from indexing.snapshot.milvus_vectors import METRIC, MilvusVectors
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.vectors import EF_CONSTRUCTION, EF_SEARCH, LINKS

logger = logging.getLogger(__name__)

NAME = re.compile(r"tcs_(\d{6,})_(\d+)")
MARK = "TCS, database "
"""How the description of a collection begins; the id of the database follows."""
BLOCK_BYTES = 4 << 20
LONGEST_LABEL, MOST_LABELS = 2_048, 4_096
"""Bytes of a label, and labels of one expert; the second is the most that Milvus can store."""
INSERT_SECONDS = 30.0
LOAD_SECONDS = 24 * 3600.0
"""A build waits as long as it takes: people can see its progress, and cancel it."""
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Collection:
    """One that TCS made, whatever its database."""

    name: str
    number: int
    fence: int
    database: str
    is_aliased: bool


def collection_name(number: int, fence: int) -> str:
    """The name of the collection of version `number`, built by the worker with this fence."""
    return f"tcs_{number:06d}_{fence}"


class MilvusEngine:
    """Makes, opens and deletes collections. Every method raises VectorsUnavailable if Milvus does not answer."""

    name = MILVUS

    def __init__(self, uri: str, token: str = "") -> None:
        self._connection = MilvusConnection(uri, token)

    def build(
        self, of: VersionVectors, *, approximate: bool, advance: Callable[[int], None] = lambda count: None
    ) -> MilvusVectors:
        """Insert the vectors and filters of every text, build the index, and load the collection."""
        name = collection_name(of.number, of.fence)
        self._make_room(name, of.database)
        self._create(name, of)
        for rows in self._blocks(of):
            self._connection.call("insert", name, rows, timeout=INSERT_SECONDS)
            advance(len(rows))
        self._connection.call("flush", name, timeout=10 * INSERT_SECONDS)
        self._index(name, approximate=approximate, advance=advance)
        made = MilvusVectors(
            self._connection,
            name,
            of.passages,
            experts=len(of.facets),
            dimension=of.matrix.shape[1],
            effort=EF_SEARCH if approximate else None,
        )
        made.require_ready(advance, LOAD_SECONDS)
        return made

    def open(
        self, folder: Path, manifest: Manifest, matrix: NDArray[np.float32], passages: PassageRows
    ) -> MilvusVectors:
        """The version's collection, loaded and counted; `matrix` is float32[n + m, d]. Raises SnapshotInvalid.

        If Milvus does not answer now, it is opened all the same: the words of the version can be searched.
        """
        opened = MilvusVectors(
            self._connection,
            collection_name(manifest.number, manifest.fence),
            passages,
            experts=manifest.count,
            dimension=manifest.dimension,
            effort=manifest.ann_effort,
        )
        try:
            opened.require_ready(lambda count: pulse.beat())
        except VectorsUnavailable as error:
            logger.warning("Version %s is opened without its vectors. %s", manifest.number, error)
        return opened

    def drop(self, of: VersionVectors) -> None:
        self.drop_collection(collection_name(of.number, of.fence))

    def drop_collection(self, name: str) -> None:
        """Delete a collection, if there is one of that name."""
        self._connection.call("drop_collection", name)

    def release(self, name: str) -> None:
        """Take a collection out of Milvus' memory: it can be loaded again."""
        self._connection.call("release_collection", name)

    def is_loaded(self, name: str) -> bool:
        state: dict[str, Any] = self._connection.call("get_load_state", name)
        return bool(state["state"].name == "Loaded")

    def collections(self) -> list[Collection]:
        """Those that TCS made, of every database that uses this Milvus."""
        found = []
        for name in sorted(self._connection.call("list_collections")):
            parts = NAME.fullmatch(name)
            described = self._described(name) if parts else None
            if parts and described and described["description"].startswith(MARK):
                found.append(
                    Collection(
                        name,
                        int(parts[1]),
                        int(parts[2]),
                        described["description"].removeprefix(MARK),
                        bool(described["aliases"]),
                    )
                )
        return found

    def point_alias(self, alias: str, name: str) -> None:
        """Have `alias` name this collection. TCS never reads it."""
        try:
            self._connection.call("alter_alias", name, alias)
        except VectorsUnavailable as error:
            if error.code is None:
                raise
            self._connection.call("create_alias", name, alias)

    def drop_alias(self, alias: str) -> None:
        self._connection.call("drop_alias", alias)

    def _described(self, name: str) -> dict[str, Any] | None:
        try:
            described: dict[str, Any] = self._connection.call("describe_collection", name)
        except VectorsUnavailable as error:
            if error.code == COLLECTION_NOT_FOUND:
                return None
            raise
        return described

    def _make_room(self, name: str, database: str) -> None:
        """Drop what a build of this very number and fence left. Raises VectorsUnavailable if it is another's."""
        described = self._described(name)
        if described is None:
            return
        if described["description"] != MARK + database:
            raise self._connection.unavailable(
                f"its collection {name} belongs to another database. Use a Milvus database of its own for each TCS"
            )
        self.drop_collection(name)

    def _create(self, name: str, of: VersionVectors) -> None:
        from pymilvus import DataType, MilvusClient  # noqa: PLC0415  half a second, and few need it

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False, description=MARK + of.database)
        schema.add_field("row", DataType.INT64, is_primary=True)
        schema.add_field("expert", DataType.INT64)
        schema.add_field("expert_id", DataType.INT64)
        schema.add_field(
            "labels",
            DataType.ARRAY,
            element_type=DataType.VARCHAR,
            max_capacity=MOST_LABELS,
            max_length=LONGEST_LABEL,
        )
        schema.add_field("rate", DataType.DOUBLE)
        schema.add_field("available", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=of.matrix.shape[1])
        self._connection.call("create_collection", name, schema=schema, timeout=INSERT_SECONDS)

    def _blocks(self, of: VersionVectors) -> Iterator[list[dict[str, Any]]]:
        """The rows of every text, as many at once as Milvus likes to be sent."""
        experts = len(of.facets)
        texts = np.flatnonzero(of.passages.counted(np.ones(experts, np.bool_)))
        owners = np.concatenate([np.arange(experts), of.passages.table[:, 0]])[texts]
        each = max(1, BLOCK_BYTES // (4 * of.matrix.shape[1] + 400))
        for start in range(0, len(texts), each):
            some = slice(start, start + each)
            scalars = {owner: _scalars(of.facets, owner) for owner in set(owners[some].tolist())}
            vectors = np.asarray(of.matrix[texts[some]], np.float32)
            yield [
                {
                    "row": row,
                    "expert": owner,
                    "expert_id": int(of.ids[owner]),
                    "vector": vector,
                    **scalars[owner],
                }
                for row, owner, vector in zip(texts[some].tolist(), owners[some].tolist(), vectors, strict=True)
            ]

    def _index(self, name: str, *, approximate: bool, advance: Callable[[int], None]) -> None:
        from pymilvus import MilvusClient  # noqa: PLC0415  half a second, and few need it

        index = MilvusClient.prepare_index_params()
        kind, params = ("HNSW", {"M": LINKS, "efConstruction": EF_CONSTRUCTION}) if approximate else ("FLAT", {})
        index.add_index("vector", index_type=kind, metric_type=METRIC, params=params)
        self._connection.call("create_index", name, index, sync=False, timeout=INSERT_SECONDS)
        while True:
            state = self._connection.call("describe_index", name, "vector")
            if str(state.get("state")) == "Failed":
                raise self._connection.unavailable(f"it could not build the index of collection {name}")
            if str(state.get("state")) == "Finished" and not int(state["pending_index_rows"]):
                return
            advance(0)
            time.sleep(LOOK_SECONDS)


def _scalars(facets: FacetColumns, row: int) -> dict[str, Any]:
    """What an expert is filtered by."""
    (found,) = facets.filtered_by(row, row + 1)
    return {
        "labels": list(found.labels),
        "rate": milvus_filters.NO_RATE if found.rate is None else found.rate,
        "available": milvus_filters.NO_DAY if found.available is None else found.available,
    }
