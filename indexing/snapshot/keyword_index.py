"""The keyword index of a version: a tantivy index in a folder, ranked by BM25."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Query

from indexing.snapshot.keyword_query import KeywordQuery, QueryParser, QueryWord
from indexing.snapshot.keyword_schema import KEY, KeywordDocument, make_schema, to_tantivy
from indexing.snapshot.prefilter import KeywordConditions
from indexing.snapshot.text_analysis import PLAIN, RAW, STEMMED, analyser

HEAP_BYTES = 64_000_000
ADVANCE_EVERY = 500


class KeywordIndex:
    """An immutable index; any number of threads may search. Its folder may be removed while it is open."""

    def __init__(self, index: tantivy.Index) -> None:
        self._searcher = index.searcher()
        self._parser = QueryParser(index.schema, self._searcher)

    @classmethod
    def open(cls, folder: Path) -> KeywordIndex:
        """Open the index in `folder`, into which tantivy writes a lock file.

        Raises ValueError or OSError if it cannot be read.
        """
        index = tantivy.Index.open(str(folder))
        _register_analysers(index)
        index.config_reader("manual")  # no thread that watches for commits: there are none
        return cls(index)

    @property
    def count(self) -> int:
        """Number of documents."""
        return self._searcher.num_docs

    def search(
        self, query: str | KeywordQuery, k: int, conditions: KeywordConditions | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The documents that contain a word of the query and meet the conditions, at most `k`.

        Returns keys int64[m] and BM25 scores float32[m], m <= k, best first; equal scores are ordered by key. Any
        text is answered, never an error. Conditions do not change the scores.
        """
        # Conditions are terms of the index and not a list of keys: a set of 1,000 keys takes 30 ms among 100,000
        # documents, the term of a label that 1,000 of them have 1 ms.
        parsed = self.parse(query) if isinstance(query, str) else query
        if parsed.query is None or conditions is None:
            return self._best(parsed.query, k)
        return self._best(self._parser.filtered(parsed.query, conditions), k)

    def parse(self, text: str) -> KeywordQuery:
        """The query for a text, to be searched later. Any text can be parsed."""
        return self._parser.parse(text)

    def words(self, text: str) -> list[QueryWord]:
        """The words of a query that count, in the order typed."""
        return self._parser.words(text)

    def _best(self, query: Query | None, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        if query is None or k < 1 or not self.count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        hits = self._searcher.search(query, limit=min(k, self.count), count=False).hits
        keys = np.array(self._searcher.fast_field_values(KEY, [address for _, address in hits]), np.int64)
        scores = np.array([score for score, _ in hits], np.float64)
        order = np.lexsort((keys, -scores))
        return keys[order], scores[order].astype(np.float32)


def build_index(
    documents: Iterable[KeywordDocument], folder: Path, *, advance: Callable[[int], None] | None = None
) -> None:
    """Write a keyword index into `folder`, which must not exist yet.

    `advance` is called with the number of documents added since its last call; what it raises ends the writing and
    is passed on. Raises OSError if the folder exists or cannot be written.
    """
    folder.mkdir()
    index = tantivy.Index(make_schema(), path=str(folder))
    _register_analysers(index)
    writer = index.writer(HEAP_BYTES, 1)  # one thread: the same input always gives the same order
    pending = 0
    try:
        for document in documents:
            writer.add_document(to_tantivy(document))
            pending += 1
            if pending == ADVANCE_EVERY and advance is not None:
                advance(pending)
                pending = 0
        writer.commit()
    finally:
        writer.wait_merging_threads()
    for lock in folder.glob("*.lock"):
        lock.unlink()
    if pending and advance is not None:
        advance(pending)


def _register_analysers(index: tantivy.Index) -> None:
    for name in (PLAIN, STEMMED, RAW):
        index.register_tokenizer(name, analyser(name))
