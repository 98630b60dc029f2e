"""Writes everything that is found by words: the keyword index, suggestions, and the words that tell experts apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from experts.profiles.records import ExpertRecord
from experts.tagging import storage
from indexing.building.order import Order
from indexing.building.reporting import StageProgress
from indexing.building.words import Words, previous_words
from indexing.lib.messages import count_of_experts, message
from indexing.lib.retrying import with_database_retry
from indexing.snapshot import keyword_index
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.feedback_terms import FeedbackTerms, terms_of_profiles
from indexing.snapshot.keyword_schema import KeywordDocument, words_as_json
from indexing.snapshot.line_blocks import LineWriter
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.suggestion_index import Suggestions
from indexing.snapshot.writer import (
    FEEDBACK,
    FEEDBACK_WORDS,
    IDS,
    INDEXED,
    INDEXED_ENDS,
    KEYWORDS,
    PASSAGE_TERMS,
    SUGGESTIONS,
    TEXT_TERMS,
    WORD_HASHES,
    WORD_LANGUAGES,
    VersionWriter,
)


def write_keywords(
    writer: VersionWriter,
    order: Order,
    experts: Sequence[ExpertRecord],
    facets: FacetColumns,
    passages: PassageRows,
    progress: StageProgress,
) -> None:
    """Write suggestions and the keyword index of the experts read at the start, with their `facets`; the words of
    their profiles and `passages`; and what of these the next build can take over."""
    progress.expect(len(experts))
    tags = _tags(writer, facets)
    words = Words.of(experts, tags, previous_words(order.previous, reembed=order.reembed))
    writer.save(WORD_HASHES, words.hashes)
    writer.save(WORD_LANGUAGES, words.found)
    Suggestions.from_records(experts, tags, words.name_keys).save(writer.path(SUGGESTIONS))
    _write_terms(writer, experts, words, passages)
    with LineWriter(writer.path(INDEXED), words.indexed) as lines:
        keyword_index.build_index(
            _documents(experts, tags, facets, words, lines),
            writer.path(KEYWORDS),
            main=words.spoken.main,
            synonyms=order.synonyms,
            advance=progress.advance,
        )
    writer.save(INDEXED_ENDS, lines.ends)
    analysed = int(np.count_nonzero(words.analysed < 0))
    progress.summarise(
        message(
            "Indexed the words of %(experts)s; analysed those of %(analysed)s",
            experts=count_of_experts(len(experts)),
            analysed=count_of_experts(analysed),
        )
    )


def _tags(writer: VersionWriter, facets: FacetColumns) -> Mapping[int, Sequence[str]]:
    """The names of the tags that `facets` has, by the ids of the experts."""
    ids = np.load(writer.path(IDS), allow_pickle=False)
    pairs = np.column_stack([ids[facets.tag_rows()], facets.tag_ids])
    return with_database_retry(lambda: storage.tag_names(pairs))


def _write_terms(writer: VersionWriter, experts: Sequence[ExpertRecord], words: Words, passages: PassageRows) -> None:
    texts, pieces = terms_of_profiles(experts, words.spoken.each, passages, words.known_terms(passages))
    texts.save(writer.path(TEXT_TERMS))
    pieces.save(writer.path(PASSAGE_TERMS))
    FeedbackTerms.of(texts, pieces).save(writer.path(FEEDBACK), writer.path(FEEDBACK_WORDS))


def _documents(
    experts: Sequence[ExpertRecord],
    tags: Mapping[int, Sequence[str]],
    facets: FacetColumns,
    words: Words,
    lines: LineWriter,
) -> Iterator[KeywordDocument]:
    """What is indexed of each expert; its words are added to `lines`."""
    known, indexed, spoken = words.analysed.tolist(), words.indexed, words.spoken
    for row, expert in enumerate(experts):
        document = KeywordDocument(
            key=expert.id,
            name=expert.full_name,
            username=expert.username,
            job_title=expert.job_title,
            company=expert.company,
            bio=expert.bio,
            tags=tags.get(expert.id, ()),
            labels=facets.labels_of_row(row),
            rate=facets.rate_of_row(row),
            available=facets.places.day_of_row(row) if facets.places else None,
            language=spoken.each[row],
            documents=expert.documents,
            documents_language=spoken.documents[row],
            words=indexed[before] if indexed is not None and (before := known[row]) >= 0 else "",
        )
        if not document.words:
            document = replace(document, words=words_as_json(document, spoken.main))
        lines.add(document.words, known[row])
        yield document
