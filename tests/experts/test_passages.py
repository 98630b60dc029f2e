"""A long text is divided into passages: everything is in one, each can be read, and edits stay local."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from experts.profiles.passages import ONE_UP_TO, PIECE, Passage, Reach, divide, profile_passages
from experts.profiles.records import ExpertRecord
from experts.profiles.text import profile_text

SENTENCES = [f"Sentence {number} tells about subject {number * number} and no other thing. " for number in range(60)]
LINES = "\n".join(["A line without its full stop"] * 60)
CHINESE = "我们修理古老的羽管键琴并且调音。" * 60
ONE_WORD = "x" * 3_000
HARD = {"sentences": "".join(SENTENCES), "lines": LINES, "chinese": CHINESE, "one word": ONE_WORD, "blank": " \n "}


def everything(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def reads(limit: int) -> Reach:
    """A model that reads `limit` characters of a text."""
    return lambda texts: [min(limit, len(text)) for text in texts]


def record(bio: str, job_title: str = "Tuner", company: str = "Harps & Co") -> ExpertRecord:
    return ExpertRecord(1, "u", "", "", job_title, company, bio, None, "", "", False, "")


def without_space(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("limit", [10_000, 300, 70, 12])
def test_every_character_is_in_one_passage_and_the_model_reads_it(name, limit):
    text, prefix = HARD[name], "Tuner, Harps & Co. "
    passages = divide(text, prefix, reads(limit))
    pieces = [text[each.start : each.start + each.length] for each in passages]
    assert without_space("".join(pieces)) == without_space(text)
    assert all(len(piece) <= PIECE and piece == piece.strip() for piece in pieces)
    for each, piece in zip(passages, pieces, strict=True):
        assert each.text.removeprefix(prefix) == piece
        if limit >= 70:
            assert each.text == prefix + piece
            assert len(each.text) <= limit


def test_pieces_are_whole_sentences():
    passages = divide(HARD["sentences"] + "He knows abbreviations, e.g. this one. ", "", everything)
    assert len(passages) > 5
    assert {each.text[-1] for each in passages} == {"."}
    assert {each.text.split()[0] for each in passages} <= {"Sentence", "He"}
    assert all(each.length >= PIECE / 2 for each in passages[:-1])


@pytest.mark.parametrize("at", [5, 25, 50])
def test_an_edit_leaves_nearly_all_other_pieces_as_they_were(at):
    before = {each.text for each in divide("".join(SENTENCES), "", everything)}
    edited = [*SENTENCES[:at], "One more sentence that is quite long, as such sentences are. ", *SENTENCES[at:]]
    after = {each.text for each in divide("".join(edited), "", everything)}
    assert 1 <= len(after - before) <= 2


def test_a_short_profile_is_one_passage():
    expert = record("Tunes harps.")
    assert profile_passages(expert, everything) == [Passage(profile_text(expert), 0, len("Tunes harps."))]
    bare = record("", "", "")
    assert [each.text for each in profile_passages(bare, everything)] == ["u"]


@pytest.mark.parametrize(("length", "limit"), [(ONE_UP_TO + 100, 10_000), (600, 200)])
def test_a_long_profile_or_one_that_would_be_cut_is_the_whole_and_its_pieces(length, limit):
    expert = record("".join(SENTENCES)[:length])
    whole, *pieces = profile_passages(expert, reads(limit))
    assert whole.text == profile_text(expert)[:limit]
    assert pieces == divide(expert.bio, "Tuner, Harps & Co. ", reads(limit))


def test_styled_letters_are_read_as_plain_ones_where_they_stand():
    bio = "".join(SENTENCES) + "𝐆𝐫𝐨𝐰𝐭𝐡 coach for choirs."
    last = divide(bio, "", everything)[-1]
    assert last.text.endswith("Growth coach for choirs.")
    assert bio[last.start : last.start + last.length].endswith("𝐆𝐫𝐨𝐰𝐭𝐡 coach for choirs.")
