"""The words that tell experts apart: which are stored, how they are weighed, and how another file is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from experts.profiles.records import ExpertRecord
from indexing.snapshot import feedback_terms
from indexing.snapshot.feedback_terms import FeedbackTerms
from indexing.snapshot.passages import PassageRows


def people(*bios: str) -> list[ExpertRecord]:
    return [
        ExpertRecord(key, f"user-{key}", "", "", "", "", bio, None, "", "", False, "")
        for key, bio in enumerate(bios, 1)
    ]


def terms_of(experts: list[ExpertRecord], passages: PassageRows | None = None) -> FeedbackTerms:
    return FeedbackTerms.from_records(experts, ["en"] * len(experts), passages or PassageRows.none())


def common(terms: FeedbackTerms, *rows: int, known: tuple[str, ...] = ()) -> dict[str, float]:
    shares = np.full(len(rows), 1 / len(rows))
    return terms.common(np.array(rows), shares, known, 1.0)


def test_the_words_of_several_come_before_those_of_one_and_common_ones_last():
    bios = ["heat pumps insulate", "heat pumps roofs", "insulate roofs", *["the garden"] * 40, "the heat pumps"]
    words = common(terms_of(people(*bios)), 0, 1)
    assert sorted(list(words)[:2]) == ["heat", "pump"]
    assert set(list(words)[2:]) == {"insul", "roof"}
    assert sum(words.values()) == pytest.approx(0.6)


def test_words_of_the_query_and_words_that_one_expert_has_alone_are_not_added():
    terms = terms_of(people("heat pumps alone", "heat pumps", "other"))
    assert set(common(terms, 0, known=("heat",))) == {"pump"}
    assert common(terms, 2) == {}


def test_the_weight_by_hand():
    """“heat” twice in a text of three words; the mean length is 7 / 3; two of three have it."""
    terms = terms_of(people("heat heat pumps", "heat pumps", "other things"))
    sat = 2.2 * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / (7 / 3)))
    idf, highest = math.log1p(1.5 / 2.5), math.log1p(3.5 / 0.5)
    assert terms.entries["weight"][0] == pytest.approx(sat * idf * (idf / highest) ** 0.7, rel=1e-6)


def test_of_a_long_text_the_words_with_most_weight_are_stored(monkeypatch):
    monkeypatch.setattr(feedback_terms, "PER_EXPERT", 2)
    terms = terms_of(people("heat pumps garden", "heat pumps", *["garden"] * 20))
    assert np.diff(terms.starts).max() == 2
    assert set(common(terms, 0)) == {"heat", "pump"}


def test_what_was_saved_is_read_and_anything_else_refused(tmp_path: Path):
    terms = terms_of(people("zürich 技術 heat", "zürich 技術 heat"))
    terms.save(tmp_path / "a.npy", tmp_path / "b.npz")
    read = FeedbackTerms.load(tmp_path / "a.npy", tmp_path / "b.npz", 2, 0)
    assert common(read, 0) == common(terms, 0)
    assert {"zurich", "heat", "技術"} <= set(common(read, 0))
    with pytest.raises(ValueError, match="not the terms of 3 experts"):
        FeedbackTerms.load(tmp_path / "a.npy", tmp_path / "b.npz", 3, 0)


def test_each_piece_of_a_long_profile_has_its_own_words_and_the_whole_has_none_again(tmp_path: Path):
    bio = "heat pumps. roofs and roofs"
    passages = PassageRows(np.array([[1, 0, 12], [1, 0, 12], [1, 12, 15], [1, 40, 9]], np.int32))
    terms = terms_of(people("pumps roofs", bio, "heat"), passages)
    assert terms.has_pieces(3)
    assert terms.counts(np.arange(7)).tolist() == [2, 3, 1, 0, 2, 1, 0]  # the last is a part of a document
    rows = np.array([4, 5, 6])
    found = terms.scores(rows, [("heat", "nobody"), ("roof",), ("absent",)])
    # The mean piece has 2.5 terms; “and” is “en:and”. Two of three experts have each word.
    idf, highest = math.log1p(1.5 / 2.5), math.log1p(3.5 / 0.5)
    once, twice = (2.2 * n / (n + 1.2 * (0.25 + 0.75 * size / 2.5)) for n, size in ((1, 2), (2, 3)))
    weight = idf * (idf / highest) ** 0.7
    assert found == pytest.approx(np.array([[once * weight, 0, 0], [0, twice * weight, 0], [0, 0, 0]]), rel=1e-6)
    terms.save(tmp_path / "a.npy", tmp_path / "b.npz")
    read = FeedbackTerms.load(tmp_path / "a.npy", tmp_path / "b.npz", 3, 4)
    assert read.scores(rows, [("heat",)]).tolist() == found[:, :1].tolist()
    with pytest.raises(ValueError, match="not the terms of 3 experts"):
        FeedbackTerms.load(tmp_path / "a.npy", tmp_path / "b.npz", 3, 5)


def test_nobody_has_no_words():
    assert len(terms_of([]).entries) == 0
