"""Marked words: those that the keyword index takes for the same, nothing else, and never as markup."""

from __future__ import annotations

from random import Random

import pytest

from experts.models import Expert
from indexing.search import highlights
from indexing.search.highlights import _PLAIN_WORD, _SPECIAL, _WORD, EXCERPT, Marker
from indexing.search.searcher import Hit
from indexing.snapshot.keyword_index import KeywordIndex, build_index
from indexing.snapshot.keyword_schema import KeywordDocument

PROFILES = [
    "Engineers engineering naïve cafés",
    "C++ and C# on Müllkraftwerke",
    "東京で人工知能の研究",
    "हिन्दी अनुवाद",
    "underwater welding",
    "Straße O'Brien R2D2",
    "Ingeniería eléctrica",
    "the who",
]


@pytest.fixture(scope="module")
def keywords(tmp_path_factory) -> KeywordIndex:
    folder = tmp_path_factory.mktemp("index") / "keywords"
    build_index((KeywordDocument(row, username=f"u{row}", bio=text) for row, text in enumerate(PROFILES)), folder)
    return KeywordIndex.open(folder)


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("engineer", "Engineers engineering.", "<mark>Engineers</mark> <mark>engineering</mark>."),
        ("CAFES naive", "naïve cafés", "<mark>naïve</mark> <mark>cafés</mark>"),
        ("naïve", "A naive cafe\u0301", "A <mark>naive</mark> cafe\u0301"),
        ("c++", "C++, C# and C", "<mark>C++</mark>, C# and C"),
        ("人工知能", "東京で人工知能の研究", "東京で<mark>人工知能</mark>の研究"),
        ("京", "東京", "東<mark>京</mark>"),
        ("अनुवाद", "हिन्दी अनुवाद", "हिन्दी <mark>अनुवाद</mark>"),
        ("the welding", "the welding of the hull", "the <mark>welding</mark> of the hull"),
        ("the who", "the who", "<mark>the</mark> <mark>who</mark>"),
        ("strasse", "Straße", "<mark>Straße</mark>"),
        ("underwatre", "underwater welding", "<mark>underwater</mark> welding"),
        ("underw", "underwater welding", "<mark>underwater</mark> welding"),
        ("welding", "underwater weldings weldz", "underwater <mark>weldings</mark> weldz"),
        ("", "anything", "anything"),
        ("?!", "any?!thing", "any?!thing"),
        ("who", "snake_who_case", "snake_<mark>who</mark>_case"),
    ],
)
def test_words_are_marked_as_the_index_finds_them(keywords, query, text, expected):
    assert Marker.from_query(query, keywords).marked(text) == expected


def test_what_is_marked_is_what_is_found(keywords):
    for query in (
        "engineering",
        "cafe",
        "c#",
        "知能",
        "obrien",
        "brien",
        "r2d2",
        "electrica",
        "MÜLLKRAFTWERKE",
        "हिन्दी",
    ):
        found = set(keywords.search(query, 10)[0].tolist())
        marker = Marker.from_query(query, keywords)
        assert {row for row, text in enumerate(PROFILES) if marker.spans(text)} == found, query


def test_texts_without_special_letters_are_cut_into_the_same_words():
    random = Random(3)
    letters = "abcFfjJ09_+#c++ .-'\n" + "".join(map(chr, range(128)))
    others = [letter for letter in map(chr, range(0xD800)) if not _SPECIAL.match(letter)]
    for text in ("".join(random.choices(letters, k=300) + random.choices(others, k=200)) for _ in range(50)):
        assert [word.span() for word in _PLAIN_WORD.finditer(text)] == [word.span() for word in _WORD.finditer(text)]


def test_a_word_is_marked_in_each_text_that_has_it(keywords, monkeypatch):
    monkeypatch.setattr(highlights, "KNOWN_WORDS", 2)  # so that what is remembered is forgotten at once
    bios = [
        "An engineer of bridges",
        "No such word",
        "The engineer — a builder",
        "Ingénieur, engineers",
        "技術 engineer",
    ]
    hits = [Hit(Expert(bio=bio), 1.0, None, None, 1) for bio in bios]
    marker = Marker.of_hits("engineering", keywords, hits)
    for text in bios:
        assert ("<mark>" in marker.marked(text)) == ("engineer" in text)


def test_nothing_of_a_profile_becomes_markup(keywords):
    marker = Marker.from_query("engineering script mark amp <b>", keywords)
    text = "<script>engineering</script> & <mark>"
    marked = marker.marked(text)
    assert "<mark>engineering</mark>" in marked
    assert "<script" not in marked
    assert "&lt;" in marked
    assert "&amp;" in marked
    assert marker.excerpt(text) == marked


def test_an_excerpt_is_where_the_words_are(keywords):
    marker = Marker.from_query("underwater welding", keywords)
    early = marker.excerpt("underwater " + "and so on " * 60)
    assert early.startswith("<mark>underwater</mark> and")
    assert early.endswith(" …")
    late = marker.excerpt("underwater ".join(["and so on " * 60, "then " * 80, "welding again and some more " * 20]))
    assert late.startswith("… ")
    assert late.count("<mark>") > 3
    for excerpt in (early, late):
        assert len(excerpt.replace("<mark>", "").replace("</mark>", "")) <= EXCERPT + 4
    assert marker.excerpt("short") == "short"
    assert len(marker.excerpt("x" * 2_000)) == EXCERPT + 2


def test_highlights_are_of_the_fields_that_have_a_word(keywords):
    expert = Expert(
        username="u", first_name="Wanda", last_name="Weld", job_title="Welding\u202e lead", bio="<i>Welds</i>"
    )
    marker = Marker.from_query("welding", keywords)
    assert marker.highlights(expert) == {
        "name": "Wanda <mark>Weld</mark>",
        "job_title": "<mark>Welding</mark> lead",
        "bio": "&lt;i&gt;<mark>Welds</mark>&lt;/i&gt;",
    }
    assert marker.common_tags(["Energy", "Welded joints"]) == ["Welded joints"]


def test_the_passage_nearest_to_the_query_is_the_excerpt(keywords):
    marker = Marker.from_query("welding", keywords)
    bio = "Welding, and only welding. " * 20 + "\u202eThis one <b>welds</b> hulls. " + "And so on. " * 40
    start = bio.index("\u202eThis")
    passage = (start, len("\u202eThis one <b>welds</b> hulls."))
    assert marker.part_to_show(bio, passage) == (start, start + passage[1])
    shown = "… This one &lt;b&gt;<mark>welds</mark>&lt;/b&gt; hulls. …"
    assert marker.excerpt(bio, passage) == shown
    assert marker.highlights(Expert(username="u", bio=bio), passage) == {"bio": shown}
    assert marker.highlights(Expert(username="u", bio=bio), (len(bio) - 20, 20)) == {}


def test_several_parts_of_a_long_text_are_in_its_order_and_do_not_overlap(keywords):
    marker = Marker.from_query("welding", keywords)
    text = "Some other work. " * 40 + "Welds. " * 60 + "And so on. " * 60 + "Welding. "
    parts = marker.parts_to_show(text, 3)
    assert len(parts) == 3
    assert parts[0] == marker.part_to_show(text)
    assert all(end <= start for (_, end), (start, _) in zip(parts, parts[1:], strict=False))
    assert all(marker.spans(text[start:end]) and end - start <= EXCERPT for start, end in parts)
    assert marker.parts_to_show(text, 1) == parts[:1]
    assert text[slice(*marker.parts_to_show(text, 9)[-1])].endswith("Welding. ")
    assert marker.parts_to_show("And so on. " * 60, 3) == [marker.part_to_show("And so on. " * 60)]
