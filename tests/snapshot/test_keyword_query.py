"""What each word of a query adds to a score: exact, near, joined, in parts, as a synonym, in a document."""

from __future__ import annotations

import json
import math
import tarfile
from pathlib import Path

import pytest
from django.conf import settings

from indexing.snapshot.keyword_index import ANALYSIS, KeywordIndex, build_index, read_analysis
from indexing.snapshot.keyword_schema import NAMES, KeywordDocument, words_as_json
from indexing.snapshot.languages import Languages
from indexing.snapshot.query_terms import QueryAnalysis
from indexing.snapshot.synonyms import NONE, Synonyms
from tests.snapshot.test_keyword_index import document

PEOPLE = 20
SAME = "of other things and places"
"""The text of everybody else, so that texts of as many words are of average length."""


class Index:
    """An index of the people given and of others, `PEOPLE` in all."""

    def __init__(self, folder: Path, *people: KeywordDocument, synonyms: Synonyms = NONE) -> None:
        others = [document(key, username=f"q{key}", bio=SAME) for key in range(101, 101 + PEOPLE - len(people))]
        build_index([*people, *others], folder / "keywords", synonyms=synonyms)
        self.index = KeywordIndex.open(folder / "keywords")

    def found(self, query: str) -> list[int]:
        return self.index.search(query, PEOPLE)[0].tolist()

    def adds(self, query: str, key: int) -> dict[tuple[str, str], float]:
        """What each part of the query that matches adds to the score of that document: (kind, text) -> score."""
        parsed = self.index.parse(query)
        scores = self.index.scores_of_parts(parsed, key)
        parts = [(part.kind, part.text) for part in parsed.parts]
        assert len(set(parts)) == len(parts)
        return {part: pytest.approx(score, rel=1e-4) for part, score in zip(parts, scores, strict=True) if score}


def idf(count: int) -> float:
    return math.log1p((PEOPLE - count + 0.5) / (count + 0.5))


def word_score(count: int) -> float:
    """The score of a word in as many texts, once in one of average length."""
    return idf(count) * (idf(count) / idf(0)) ** 0.7


@pytest.fixture
def people(tmp_path: Path) -> Index:
    return Index(
        tmp_path,
        document(1, name="Jan van den Bergh", bio="Reads J.R.R. and S/4HANA"),
        document(2, bio="Growing a fullstack garden there"),
        document(3, bio="Growing a gardenia in there"),
        document(4, username="stuur.guru", documents="roofing"),
        document(5, username="fullstack"),
    )


def test_a_word_that_is_written_in_parts_tells_nine_tenths(people: Index) -> None:
    assert people.adds("jrr", 1) == {("word", "jrr"): 0.9 * idf(0)}
    assert [part.kind for part in people.index.parse("jrr").parts] == ["word"]
    assert ("name", "vandenbergh") in people.adds("vandenbergh", 1)
    assert people.adds("brood kaas wijn vandenbergh", 1) == {("word", "vandenbergh"): 0.9 * idf(0)}


def test_a_name_that_nobody_writes_as_one_adds_nothing(tmp_path: Path) -> None:
    long = "Jan Berghaus of Some Very Long and Quite Unusual Place in the Middle of Nowhere"
    people = Index(tmp_path, document(1, name=long), document(2, name="Ann Lee"))
    assert 0 < people.adds("jan berghaus", 1)["word", "berghaus"].expected < 0.8 * word_score(1)


def test_a_username_is_all_where_nobody_writes_of_it_and_a_tenth_elsewhere(people: Index) -> None:
    assert people.adds("guru", 4) == {("word", "guru"): 0.1 * idf(0)}
    assert people.adds("stuur.guru", 4)["username", "stuur.guru"] == idf(0)
    assert people.adds("fullstack", 5)["username", "fullstack"] == 0.1 * idf(0)


def test_a_word_of_a_document_tells_half(people: Index) -> None:
    assert people.adds("roofing xqx xqz xqw", 4) == {("word", "roofing"): 0.5 * word_score(1)}


def test_the_languages_are_those_of_texts_that_are_there(tmp_path: Path) -> None:
    dutch = [document(1, documents="daken", documents_language="nl"), document(2, documents_language="de")]
    Index(tmp_path, *dutch)
    assert read_analysis(tmp_path / "keywords" / ANALYSIS).languages.codes == ("en", "nl")


def test_near_words_join_known_ones_in_up_to_three_words_and_replace_unknown_ones_in_longer_queries(
    people: Index,
) -> None:
    assert people.found("garden xqx xqz") == [2, 3]
    assert people.found("garden xqx xqz xqw") == [2]
    assert people.found("gardenix xqx xqz xqw") == [3]


def test_words_that_a_text_writes_as_one_tell_nine_tenths_of_both(people: Index) -> None:
    for query in ("full stack", "full-stack", "xqx xqz full stack"):
        assert people.adds(query, 2)["word", "full stack"] == 0.9 * 2 * idf(0)
    assert list(people.adds("xqx xqz xqw full stack", 2)) == [("word", "full")]  # which the word begins with


def test_initials_are_one_word_too(tmp_path: Path) -> None:
    index = Index(tmp_path, document(1, bio="Reads jrr"))
    assert index.adds("J.R.R. Tolmenier", 1) == {("word", "j r"): 0.9 * 2 * idf(0)}


def test_a_function_word_tells_nothing_in_a_joined_word(tmp_path: Path) -> None:
    index = Index(tmp_path, document(1, bio="Lives today"))
    assert index.adds("to day", 1) == {("word", "to day"): 0.9 * idf(0)}


def test_synonyms_count_as_what_was_typed(tmp_path: Path) -> None:
    synonyms = Synonyms((("boss", "jrr"), ("hvac", "heating ventilation"), ("two words", "single")))
    index = Index(
        tmp_path,
        document(1, bio="Reads J.R.R. novels"),
        document(2, bio="Plans heating ventilation and more"),
        document(3, bio="Plans ventilation and heating more"),
        document(4, bio="A single text"),
        synonyms=synonyms,
    )
    assert index.found("boss") == [1]
    assert index.adds("hvac", 2) == {("word", "hvac"): 0.9 * idf(0)}
    assert index.found("hvac") == [2]
    assert index.adds("two words", 4) == {("word", "two words"): 0.9 * 2 * idf(0)}
    assert index.found("two") == []


def test_a_stem_of_another_language_is_no_rarer_than_the_word(tmp_path: Path) -> None:
    same = "tuinen anders elders ergens nergens"
    people = [document(key, bio=same, language="nl" if key > 1 else "en") for key in range(1, 6)]
    index = Index(tmp_path, *people)
    for key in range(1, 6):
        assert index.adds("tuinen xqx xqz xqw", key) == {("word", "tuinen"): word_score(5)}


def test_added_stems_tell_their_weight(people: Index) -> None:
    parsed = people.index.extended(people.index.parse("jrr"), {"garden": 0.25, "unheard": 1.0})
    assert people.index.scores_of_parts(parsed, 2) == pytest.approx([0, 0.25, 0], rel=0.05)
    assert [(part.kind, part.text) for part in parsed.parts[1:]] == [("added", "garden"), ("added", "unheard")]


def test_the_words_of_a_query_say_who_has_them(people: Index) -> None:
    def said(query: str) -> list[tuple[str, bool, bool]]:
        return [(word.plain, word.is_indexed, word.near) for word in people.index.words(query)]

    assert said("garden") == [("garden", True, True)]
    assert said("garden unheard") == [("garden", True, False), ("unheard", False, True)]
    assert [word.once for word in people.index.words("garden unheard")] == pytest.approx([word_score(1), idf(0)])


def test_a_phrase_is_found_in_its_order_only(people: Index) -> None:
    assert people.index.having("fullstack garden").tolist() == [2]
    assert people.index.having("garden fullstack").tolist() == []
    assert people.index.having("gardenia").tolist() == [3]
    assert people.index.having("!").tolist() == []


def test_up_to_four_words_of_a_name_are_joined() -> None:
    joined = json.loads(words_as_json(document(1, name="a b c d e f")))[NAMES].split()
    assert joined == [*"abcdef", "ab", "abc", "abcd", "bc", "bcd", "bcde", "cd", "cde", "cdef", "de", "def", "ef"]


@pytest.mark.parametrize("content", ["[]", "{}", '{"languages": ["en"]}', '{"languages": 1, "synonyms": []}'])
def test_a_damaged_analysis_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / ANALYSIS).write_text(content)
    with pytest.raises(ValueError, match=ANALYSIS):
        read_analysis(tmp_path / ANALYSIS)


def test_an_index_of_the_first_release_is_asked_as_it_was_built(tmp_path: Path) -> None:
    with tarfile.open(Path(settings.BASE_DIR) / "tests" / "versions" / "releases" / "format_1.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    index = KeywordIndex.open(tmp_path / "versions" / "000001" / "keywords")
    assert index.analysis == QueryAnalysis(Languages(marked=False), as_before=True)
    for query, first in (("repairing ship", 1), ("Number004", 4), ("bread", 5)):
        assert index.search(query, 5)[0][0] == first
    assert index.having("coral reefs").tolist() == [3]
