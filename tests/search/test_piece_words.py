"""The nearest piece of a long profile decides a part of its words' score, and which of them are added to a query."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experts.models import Expert
from indexing.models.searches import Mode
from indexing.search import fusion, search
from indexing.search.explanation import Explainer
from indexing.search.piece_words import PieceWords
from indexing.search.ranked import ordered
from indexing.snapshot import feedback_terms
from indexing.snapshot.ranking_constants import PIECE_SHARE
from indexing.snapshot.reader import Snapshot
from tests.support import cast
from tests.support.fakes import text_vector

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = "harpsichord varnish restoration"
WORDS = QUERY.split()
OTHERS = ("tiles", "boats", "sheep", "kilns", "maps", "tea", "rope", "wool")


def piece(*words: str, about: str) -> str:
    """A piece of its own: two of them are too long for one."""
    text = f"Works with {about} and {' and '.join(words or (about,))}. " * 20
    return text[:419].rpartition(". ")[0].ljust(419, "x") + ".\n"


@pytest.fixture
def snapshot() -> Snapshot:
    """The first has the words of the query in one piece, the second each in another, the third has but two pieces."""
    people = cast.experts(12)
    plain = [piece(about=each) for each in OTHERS]
    scattered = [text.replace("and", f"and {word} and", 1) for word, text in zip(WORDS, plain, strict=False)]
    bios = (
        "".join([piece(*WORDS, about=OTHERS[0]), *plain[1:]]),
        "".join([*scattered, *plain[3:]]),
        piece(WORDS[0], about=OTHERS[0]) + plain[1],
    )
    for person, bio in zip(people, bios, strict=False):
        Expert.objects.filter(pk=person.pk).update(bio=bio, job_title="", company="")
    return cast.published_again()


def without_pieces(snapshot: Snapshot) -> Snapshot:
    """The same version as the release before wrote it."""
    terms = snapshot.feedback
    assert terms
    return replace(snapshot, feedback=replace(terms, starts=terms.starts[: len(snapshot) + 1]))


def pieces_for(snapshot: Snapshot) -> PieceWords:
    return PieceWords(snapshot, text_vector(QUERY), snapshot.keywords.parse(QUERY))


def test_words_that_stand_together_count_for_more_than_the_same_words_apart(snapshot):
    rows, words = np.arange(2), np.full(2, 10.0)
    together, apart = pieces_for(snapshot).blended(rows, words).tolist()
    assert together > apart
    before = pieces_for(without_pieces(snapshot)).blended(rows, words)
    assert before.tolist() == [10.0, 10.0]


def test_the_share_by_hand(snapshot):
    """Eight pieces: 1 - 2 / 8 of the share."""
    pieces = pieces_for(snapshot)
    share, each = pieces.of_words(0)
    assert share == pytest.approx(PIECE_SHARE * 0.75)
    assert list(each) == WORDS
    assert all(each.values())
    assert pieces.blended(np.array([0]), np.array([10.0]))[0] == pytest.approx(
        (1 - share) * 10 + share * sum(each.values())
    )


def test_a_profile_of_two_pieces_and_a_short_one_count_as_a_whole(snapshot):
    words = np.array([3.0, 4.0])
    assert pieces_for(snapshot).blended(np.array([2, 5]), words).tolist() == [3.0, 4.0]
    assert pieces_for(snapshot).of_words(2) == (0.0, {})


def test_words_of_the_nearest_piece_are_added_before_those_of_the_other_pieces(snapshot, monkeypatch):
    monkeypatch.setattr(feedback_terms, "FEEDBACK_TERMS", 4)  # “with”, “work” and “and” come first
    one = np.ones(1, np.int64)
    first = ordered(snapshot.ids[:1], one.astype(np.float64), one.astype(np.float64), one, one)
    now, before = (
        fusion.extended(each, pieces_for(each), each.keywords.parse(QUERY), first)
        for each in (snapshot, without_pieces(snapshot))
    )
    assert now
    assert before
    assert "tile" in {part.text for part in now.parts if part.kind == "added"}
    assert "tile" not in {part.text for part in before.parts if part.kind == "added"}


@pytest.mark.parametrize(
    "query", [QUERY, "who restores a harpsichord with varnish", "sheep", "Number003 varnish", "!!!"]
)
def test_the_parts_of_an_explanation_still_add_up(snapshot, query):
    explainer = Explainer(query, snapshot, Mode.HYBRID)
    for place, hit in enumerate(search(query, snapshot, 12).hits, 1):
        explanation = explainer.explain(hit.expert, hit.tags)
        assert explanation
        assert sum(each.points for each in explanation.contributions) == pytest.approx(hit.score, abs=1e-3)
        assert "estimate" not in {each.kind for each in explanation.contributions}
        assert explanation.rank == place


def test_where_a_document_is_nearest_the_whole_profile_counts(snapshot):
    """Pieces of documents have no terms: their words count for half already."""
    assert snapshot.feedback
    starts = snapshot.feedback.starts.copy()
    starts[len(snapshot) :] = starts[len(snapshot)]
    none = replace(snapshot, feedback=replace(snapshot.feedback, starts=starts))
    assert pieces_for(none).blended(np.arange(2), np.full(2, 10.0)).tolist() == [10.0, 10.0]
