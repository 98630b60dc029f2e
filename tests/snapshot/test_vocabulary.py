"""Words that are nearly the one typed."""

from __future__ import annotations

import pytest
import tantivy
from tantivy import Query

from indexing.snapshot.vocabulary import Vocabulary, one_slip


@pytest.mark.parametrize(
    ("typed", "word", "near"),
    [
        ("welder", "welder", True),
        ("wedler", "welder", True),
        ("weldr", "welder", True),
        ("weelder", "welder", True),
        ("wxlder", "welder", True),
        ("wledre", "welder", False),
        ("weld", "welder", False),
        ("welde", "welder", True),
        ("ewlder", "welder", True),
    ],
)
def test_one_slip_is_one_letter_or_two_swapped(typed, word, near):
    assert one_slip(typed, word) is near
    assert one_slip(word, typed) is near


WORDS = (
    *("a", "ab", "abc", "aa", "aaa", "aaaa", "abab", "baba", "2024", "2025", "de", "jng", "jong", "jonge"),
    *("welder", "welders", "wedler", "wellder", "elder", "melder", "weldr", "wdler", "wolder", "weldex"),
    *("münchen", "munchen", "naïve", "naive", "полка", "полки", "палка", "полк", "東京", "東", "京", "ßs"),
)


@pytest.mark.parametrize("typed", [*WORDS, "wleder", "xwelder", "mnchen", "полак", "0224", "nothing-like-it", ""])
def test_the_words_one_slip_away_are_those_that_tantivy_finds(typed):
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("word", tokenizer_name="raw", stored=True)
    index = tantivy.Index(schema := builder.build())
    writer = index.writer(15_000_000, 1)
    for word in WORDS:
        writer.add_document(tantivy.Document(word=word))
    writer.commit()
    index.reload()
    searcher = index.searcher()
    hits = searcher.search(Query.fuzzy_term_query(schema, "word", typed, distance=1), limit=len(WORDS)).hits
    found = {searcher.doc(address)["word"][0] for _, address in hits}
    assert set(Vocabulary(WORDS).one_slip_from(typed)) == found
