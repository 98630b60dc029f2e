"""The fields of the keyword index, and how an expert becomes a document of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tantivy
from tantivy import FieldType, Occur, Query

from indexing.snapshot.languages import ENGLISH, term
from indexing.snapshot.prefilter import KeywordConditions
from indexing.snapshot.text_analysis import PLAIN, RAW, STEMMED, TERMS, joined_words, whole_text_term, words_of

FIELDS = {
    # field: analyser
    "name": PLAIN,
    "job_title": STEMMED,
    "tags": STEMMED,
    "company": STEMMED,
    "bio": STEMMED,
}
"""The fields that score. None has a weight: BM25 itself scores a word higher in a short field. Weights of 1.5 for
names, titles, tags and companies cost 0.010 nDCG@10 in keyword mode on 500 sentences over 10,501 experts, and change
nothing in hybrid mode."""
DOCUMENTS = "documents"
"""The words of the documents. It counts that a word is there, not how often: for BM25, a text many times as long as
most says little with each of its words. Versions before format 7 have no such field."""
USERNAME = "username"
"""The words of the username, a weak sign: many are made of names, and some of trades."""
NAMES = "names"
"""The words of the name, and neighbours of them joined: vandenbergh, obrien. For near matches."""
JOINED = "joined"
"""What the texts write in parts or as a part: see `text_analysis.joined_words`."""
WORDS = "words"
"""All words of name, title, company, bio and tags as they are, with their places: for phrases, excluded and near
words."""
KEY = "key"
HANDLE = "handle"
"""The whole username as one term."""
LABEL, RATE, AVAILABLE = "label", "rate", "available"
"""Fields for filters, which are not searched: LABEL holds unprocessed terms, RATE a number, AVAILABLE a day, in days
since 1970, which versions before format 8 lack."""
_NAME_RUN = 4
"""Words of a name that are joined at most: van den Bergh is three."""


class KeywordDocument(NamedTuple):
    """The texts of one expert that keywords are looked up in, and the values that filters use."""

    key: int
    labels: Sequence[str] = ()
    """What the expert can be filtered by: see `indexing.snapshot.prefilter`."""
    rate: float | None = None
    available: int | None = None
    """from which day on, in days since 1970"""
    name: str = ""
    username: str = ""
    job_title: str = ""
    company: str = ""
    bio: str = ""
    tags: Sequence[str] = ()
    documents: str = ""
    language: str = ENGLISH
    """Of title and bio: a code of `languages.STEMMERS`."""
    documents_language: str = ENGLISH
    words: str = ""
    """What `words_as_json` gives for it, if that is known: then it needs no texts, and the language of documents is
    that of title and bio if there are none."""


def make_schema() -> tantivy.Schema:
    """The tantivy schema: KEY, HANDLE, LABEL, RATE, AVAILABLE, FIELDS and the fields for near matches and phrases."""
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field(KEY, indexed=True, fast=True)
    builder.add_text_field(HANDLE, tokenizer_name=RAW, index_option="basic")
    builder.add_text_field(LABEL, tokenizer_name=RAW, index_option="basic")
    builder.add_float_field(RATE, fast=True)
    builder.add_integer_field(AVAILABLE, fast=True)
    for field in FIELDS:
        builder.add_text_field(field, tokenizer_name=TERMS, index_option="freq")
    for field in (USERNAME, NAMES, JOINED, DOCUMENTS):
        builder.add_text_field(field, tokenizer_name=TERMS, index_option="basic")
    builder.add_text_field(WORDS, tokenizer_name=TERMS, index_option="position")
    return builder.build()


def has_field(schema: tantivy.Schema, field: str) -> bool:
    """Whether an index has the field: one of an earlier release may lack it."""
    try:
        tantivy.Query.term_query(schema, field, "x", "basic")
    except ValueError:
        return False
    return True


def filter_queries(schema: tantivy.Schema, conditions: KeywordConditions) -> Iterator[Query]:
    """Queries for the labels, the rate and the day, each of which a document must meet."""
    for labels in conditions.labels:
        anyone = [(Occur.Should, Query.term_query(schema, LABEL, each, "basic")) for each in labels]
        yield Query.boolean_query(anyone) if anyone else Query.empty_query()
    if conditions.rate is not None:
        yield Query.range_query(schema, RATE, FieldType.Float, *conditions.rate)
    if conditions.available_by is not None:
        yield Query.range_query(schema, AVAILABLE, FieldType.Integer, None, conditions.available_by)


def words_as_json(expert: KeywordDocument, main: str = ENGLISH) -> str:
    """The words of the document in their fields, which do not change with the filters. `main` is the language of
    companies and tags."""
    names = words_of(expert.name)
    tags = " \n ".join(expert.tags)
    joined: list[str] = []
    in_order = [" ".join(names)]
    fields: dict[str, str | list[str]] = {
        HANDLE: whole_text_term(expert.username),
        USERNAME: " ".join(words_of(expert.username)),
        "name": " ".join(names),
        NAMES: " ".join([*names, *_runs(names), *joined_words(expert.name)]),
        WORDS: in_order,
    }
    for field, text, language in (
        ("job_title", expert.job_title, expert.language),
        ("company", expert.company, main),
        ("bio", expert.bio, expert.language),
        ("tags", tags, main),
        (DOCUMENTS, expert.documents, expert.documents_language),
    ):
        words = words_of(text)
        fields[field] = " ".join([term(language, word) for word in words])
        in_order.append(" ".join(words))
        joined += joined_words(text)
    fields[JOINED] = " ".join(joined)
    return as_json(fields)


as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _runs(words: Sequence[str]) -> Iterator[str]:
    """Neighbouring words of a name, joined."""
    for start in range(len(words)):
        for end in range(start + 2, min(start + _NAME_RUN, len(words)) + 1):
            yield "".join(words[start:end])
