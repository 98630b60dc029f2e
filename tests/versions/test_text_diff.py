"""What differs between two texts."""

from __future__ import annotations

import time

import pytest

from indexing.console.text_diff import COMPARED, Piece, sides


def texts(side: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in side)


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("a", ""), ("", "a b"), ("one two", "one  two"), (" x ", "x"), ("a b c d", "a x c y"), ("\n\n", "\n")],
)
def test_short_texts_are_shown_whole(before, after):
    left, right = sides(before, after)
    assert (texts(left), texts(right)) == (before, after)
    assert any(piece.differs for piece in left + right) == (before != after)


def test_only_what_differs_is_marked():
    left, right = sides("keeps bees and sells honey", "keeps many bees and sells wax")
    assert [piece.text for piece in left if piece.differs] == ["honey"]
    assert [piece.text for piece in right if piece.differs] == ["many ", "wax"]


def test_long_stretches_that_both_share_are_cut():
    words = " ".join(f"w{number}" for number in range(300))
    left, right = sides(f"{words} old {words} end", f"{words} new {words} end.")
    assert len(texts(right)) < 300
    assert "w299 " in texts(right)
    assert "w0 " in texts(right)
    assert "w150" not in texts(right)
    assert [piece.text for piece in left if piece.differs] == ["old ", "end"]


def test_texts_too_long_to_compare_word_by_word_take_no_time():
    one, other = (" ".join(f"{letter}{number}" for number in range(30 * COMPARED)) for letter in "ab")
    began = time.process_time()
    left, right = sides(f"same {one} same", f"same {other} same")
    assert time.process_time() - began < 2
    assert [piece.differs for piece in right] == [False, True, False]
    assert texts(left) == f"same {one} same"
