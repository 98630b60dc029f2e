"""Texts read as natural English: see `words`."""

from __future__ import annotations

from tests.ground import words


def test_words_to_avoid_are_found():
    assert [word for _line, word, _instead in words.words_in("It is no date: mend it.\nBesides, whom?")] == [
        "is no",
        "mend",
        "Besides",
        "whom",
    ]
    assert list(words.words_in("There is no user. It is no longer live, amended, recommended.")) == []


def test_texts_for_users_have_none_of_them():
    assert [str(each) for each in words.in_texts()] == []


def test_docstrings_comments_and_names_of_tests_have_none_of_them():
    assert [str(each) for each in words.in_code()] == []
