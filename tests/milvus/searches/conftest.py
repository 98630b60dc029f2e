"""The tests of searching know no engine. Here, those that build a version themselves have it searched in Milvus."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest
from pymilvus import MilvusClient

from indexing import encoders
from indexing.snapshot.engine import VersionVectors
from indexing.snapshot.milvus_engine import MilvusEngine, collection_name
from indexing.snapshot.milvus_vectors import MilvusVectors
from tests.support import index_cast
from tests.support.milvus_server import Milvus


class Thrifty(MilvusEngine):
    """Makes no collection twice in a row: the same vectors under the same name need the same one."""

    made: tuple[str, bytes] = ("", b"")

    def build(
        self, of: VersionVectors, *, approximate: bool, advance: Callable[[int], None] = lambda count: None
    ) -> MilvusVectors:
        filters = [*of.facets.filtered_by(0, len(of.facets))]
        parts = (of.matrix.tobytes(), of.passages.table.tobytes(), repr((filters, approximate)).encode())
        made = (collection_name(of.number, of.fence), hashlib.sha256(b"".join(parts)).digest())
        if made != self.made:
            self.made = ("", b"")
            super().build(of, approximate=approximate)
            self.made = made
        advance(len(of.matrix))
        return MilvusVectors(
            self._connection,
            made[0],
            of.passages,
            experts=len(of.facets),
            dimension=of.matrix.shape[1],
            effort=None,
        )


@pytest.fixture(scope="module")
def thrifty(server: Milvus) -> Iterator[Thrifty]:
    server.start()
    yield Thrifty(server.uri)
    client = MilvusClient(uri=server.uri)
    for name in client.list_collections():
        client.drop_collection(name)


@pytest.fixture(autouse=True)
def _on_milvus(thrifty: Thrifty, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(index_cast, "engine", thrifty)
    encoders.reset()
    yield
    encoders.reset()
