"""Texts read as natural English: see `words`."""

from __future__ import annotations

import json

import pytest

from tests.ground import words

LEFT = json.loads(words.CEILINGS.read_text())


def test_words_to_avoid_are_found():
    assert [word for _line, word, _instead in words.words_in("It is no date: mend it.\nBesides, whom?")] == [
        "is no",
        "mend",
        "Besides",
        "whom",
    ]
    assert list(words.words_in("There is no user. It is no longer live, amended, recommended.")) == []


@pytest.mark.parametrize("scope", ["texts", "code"])
def test_no_file_gets_more_of_the_words_to_avoid(scope):
    found = words.in_texts() if scope == "texts" else words.in_code()
    more = {file for file, count in words.counts(found).items() if count > LEFT[scope].get(file, 0)}
    assert [str(each) for each in found if each.file in more] == []
