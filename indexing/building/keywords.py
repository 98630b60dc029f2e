"""Writes everything that is found by words: the keyword index, suggestions, and the words that tell experts apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from experts.profiles.record_file import RecordFile
from experts.tagging import storage
from indexing.building.order import Order
from indexing.building.reporting import StageProgress
from indexing.building.tag_names import TagNames
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
    FIELD_HASHES,
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

BLOCK = 4_096
"""Rows whose filters are worked out at once."""


def write_keywords(
    writer: VersionWriter,
    order: Order,
    experts: RecordFile,
    facets: FacetColumns,
    passages: PassageRows,
    progress: StageProgress,
) -> None:
    """Write suggestions and the keyword index of the experts read at the start, with their `facets`; the words of
    their profiles and `passages`; and what of these the next build can take over."""
    progress.expect(len(experts))
    tags = TagNames(facets, with_database_retry(storage.tag_names))
    previous = previous_words(order.previous, reembed=order.reembed)
    words = Words.of(experts, np.load(writer.path(FIELD_HASHES), allow_pickle=False), tags, previous)
    del previous  # `words` has it if it is of use
    writer.save(WORD_HASHES, words.hashes)
    writer.save(WORD_LANGUAGES, words.found)
    Suggestions.from_records(experts, tags.of_row, words.name_keys).save(writer.path(SUGGESTIONS))
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


def _write_terms(writer: VersionWriter, experts: RecordFile, words: Words, passages: PassageRows) -> None:
    texts, pieces = terms_of_profiles(experts, words.spoken.each, passages, words.known_terms(passages))
    texts.save(writer.path(TEXT_TERMS))
    pieces.save(writer.path(PASSAGE_TERMS))
    FeedbackTerms.of(texts, pieces).save(writer.path(FEEDBACK), writer.path(FEEDBACK_WORDS))


def _documents(
    experts: RecordFile, tags: TagNames, facets: FacetColumns, words: Words, lines: LineWriter
) -> Iterator[KeywordDocument]:
    """What is indexed of each expert; its words are added to `lines`."""
    indexed, analysed, spoken, ids = words.indexed, words.analysed, words.spoken, experts.ids
    for first in range(0, len(experts), BLOCK):
        last = min(first + BLOCK, len(experts))
        known = analysed[first:last].tolist()
        each = zip(ids[first:last].tolist(), facets.filtered_by(first, last), known, strict=True)
        for row, (key, by, before) in enumerate(each, first):
            language, documents_language = spoken.each[row], spoken.documents[row]
            if indexed is not None and before >= 0:
                document = KeywordDocument(
                    key, *by, language=language, documents_language=documents_language, words=indexed[before]
                )
            else:
                expert = experts[row]
                document = KeywordDocument(
                    key,
                    *by,
                    name=expert.full_name,
                    username=expert.username,
                    job_title=expert.job_title,
                    company=expert.company,
                    bio=expert.bio,
                    tags=tags.of_row(row),
                    language=language,
                    documents=expert.documents,
                    documents_language=documents_language,
                )
                document = document._replace(words=words_as_json(document, spoken.main))
            lines.add(document.words, before)
            yield document
