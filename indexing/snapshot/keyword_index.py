"""The keyword index of a version: a tantivy index in a folder, ranked by BM25."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Query

from indexing.snapshot.keyword_query import KeywordQuery, QueryParser
from indexing.snapshot.keyword_schema import (
    AVAILABLE,
    KEY,
    LABEL,
    RATE,
    KeywordDocument,
    as_json,
    make_schema,
    words_as_json,
)
from indexing.snapshot.languages import ENGLISH, STEMMERS, Languages
from indexing.snapshot.prefilter import KeywordConditions
from indexing.snapshot.query_terms import QueryAnalysis, QueryWord
from indexing.snapshot.synonyms import NONE, Synonyms
from indexing.snapshot.text_analysis import PLAIN, RAW, STEMMED, TERMS, analyser

HEAP_BYTES = 64_000_000
ADVANCE_EVERY = 500
LABELS = 65_536
"""Labels whose JSON is remembered while an index is written: all experts together have far fewer."""
REMEMBERED = 64
"""Queries whose parsed form is kept: one request needs it for its hits, its facets and its explanation."""
ANALYSIS = "analysis.json"
"""How the queries are analysed: languages and synonyms. Versions before format 5 have none."""


class KeywordIndex:
    """An immutable index; any number of threads may search. Its folder may be removed while it is open."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher, analysis: QueryAnalysis) -> None:
        self._schema = schema
        self._searcher = searcher
        self.analysis = analysis
        self._parser = QueryParser(schema, searcher, analysis)
        self._parsed = lru_cache(REMEMBERED)(self._parser.parse)

    @classmethod
    def open(cls, folder: Path) -> KeywordIndex:
        """Open the index in `folder`, into which tantivy writes a lock file.

        Raises ValueError or OSError if it cannot be read.
        """
        index = tantivy.Index.open(str(folder))
        _register_analysers(index)
        index.config_reader("manual")  # no thread that watches for commits: there are none
        return cls(index.schema, index.searcher(), read_analysis(folder / ANALYSIS))

    def with_synonyms(self, synonyms: Synonyms) -> Self:
        """The same index, asked with other synonyms."""
        return type(self)(self._schema, self._searcher, replace(self.analysis, synonyms=synonyms))

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
        words = parsed.query
        if words is None or conditions is None:
            return self._best(words, k)
        return self._best(self._parser.filtered(words, conditions), k)

    def scores_of_parts(self, query: KeywordQuery, key: int) -> list[float]:
        """What each of `query.parts` adds to the score of the document with that key; 0 where it does not match."""
        found = [self._best(self._parser.on_one(part.query, key), 1)[1] for part in query.parts]
        return [float(scores[0]) if len(scores) else 0.0 for scores in found]

    def having(self, phrase: str) -> NDArray[np.int64]:
        """int64[m]: the keys of the documents that have these words one after another, in no order."""
        return self._best(self._parser.having(phrase), self.count)[0]

    def with_username(self, username: str) -> NDArray[np.int64]:
        """int64[m]: the keys of the documents with this whole username, whatever its case; more than one only where
        usernames differ in nothing else."""
        return self._best(self._parser.with_username(username), self.count)[0]

    def parse(self, text: str) -> KeywordQuery:
        """The query for a text, to be searched later. Any text can be parsed."""
        return self._parsed(text)

    def extended(self, query: KeywordQuery, added: Mapping[str, float]) -> KeywordQuery:
        """The query with further stems and their weights: see `QueryParser.extended`."""
        return self._parser.extended(query, added)

    def has_words(self, text: str) -> bool:
        """Whether a query has a word at all, function words too; signs such as ! and ? are none."""
        return bool(self.parse(text).terms)

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
    documents: Iterable[KeywordDocument],
    folder: Path,
    *,
    main: str = ENGLISH,
    synonyms: Synonyms = NONE,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Write a keyword index into `folder`, which must not exist yet. `main` is the main language of the documents.

    `advance` is called with the number of documents added since its last call; what it raises ends the writing and
    is passed on. Raises OSError if the folder exists or cannot be written.
    """
    folder.mkdir()
    index = tantivy.Index(make_schema(), path=str(folder))
    _register_analysers(index)
    writer = index.writer(HEAP_BYTES, 1)  # one thread: the same input always gives the same order
    pending = 0
    languages = {main: None}
    try:
        for document in documents:
            languages[document.language] = None
            if document.documents or document.words:
                languages[document.documents_language] = None
            writer.add_json(_to_json(document, main))
            pending += 1
            if pending == ADVANCE_EVERY and advance is not None:
                advance(pending)
                pending = 0
        writer.commit()
    finally:
        writer.wait_merging_threads()
    for lock in folder.glob("*.lock"):
        lock.unlink()
    analysis = {"languages": list(languages), "synonyms": synonyms.entries}
    (folder / ANALYSIS).write_text(json.dumps(analysis, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if pending and advance is not None:
        advance(pending)


def _to_json(expert: KeywordDocument, main: str) -> str:
    """The document as tantivy takes it. `main` is the language of companies and tags."""
    filters = f'"{KEY}":{expert.key},"{LABEL}":[{",".join(map(_label_as_json, expert.labels))}]'
    if expert.rate is not None:
        filters += f',"{RATE}":{expert.rate!r}'
    if expert.available is not None:
        filters += f',"{AVAILABLE}":{expert.available}'
    return f"{{{filters},{(expert.words or words_as_json(expert, main))[1:]}"


_label_as_json = lru_cache(LABELS)(as_json)


def _register_analysers(index: tantivy.Index) -> None:
    for name in (PLAIN, TERMS, STEMMED, RAW):
        index.register_tokenizer(name, analyser(name))


def read_analysis(path: Path) -> QueryAnalysis:
    """How queries to the index with this ANALYSIS file are analysed. Raises ValueError or OSError."""
    if not path.exists():
        return QueryAnalysis(Languages(marked=False), as_before=True)
    stored: Any = json.loads(path.read_text(encoding="utf-8"))
    try:
        codes = tuple(code for code in stored["languages"] if code in STEMMERS)
        entries = tuple((str(typed), str(found)) for typed, found in stored["synonyms"])
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path.name}: {error!r}") from error
    return QueryAnalysis(Languages(codes or (ENGLISH,)), Synonyms(entries))
