"""Experts that are read again from a file are the same as in memory."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from experts.profiles import record_file
from experts.profiles.record_file import RecordFile
from experts.profiles.records import ExpertRecord

ANN = ExpertRecord(
    1,
    "ann",
    "Ann",
    "Lee \ud800",
    "Welder",
    "Acme",
    "Bio.",
    Decimal("80.50"),
    "EUR",
    "Trades",
    True,
    "basis",
    (3, 5),
    available_from=date(2026, 1, 2),
    documents="one\ftwo",
)


@pytest.fixture
def people(monkeypatch) -> list[ExpertRecord]:
    monkeypatch.setattr(record_file, "BLOCK", 4)
    return [ANN._replace(id=number, username=f"user-{number}") for number in range(1, 12)]


def test_every_field_of_everybody_comes_back_in_order(people, tmp_path):
    stored = RecordFile.of(iter(people), tmp_path)
    assert list(stored) == people
    assert list(stored) == people, "it can be read twice"
    assert len(stored) == 11
    assert list(tmp_path.iterdir()) == [], "the file has no name"


def test_single_ones_can_be_read_while_all_are(people, tmp_path):
    stored = RecordFile.of(people, tmp_path)
    assert [(each, stored[10 - place]) for place, each in enumerate(stored)] == list(
        zip(people, reversed(people), strict=True)
    )
    assert stored[-1] == people[-1]
    assert stored[3:9:2] == people[3:9:2]
    with pytest.raises(IndexError):
        stored[11]


def test_some_of_them_are_a_list_of_their_own(people, tmp_path):
    some = RecordFile.of(people, tmp_path).of_rows([0, 5, 10])
    assert list(some) == [people[0], people[5], people[10]]
    assert some[1] == people[5]
    assert len(some.of_rows([2])) == 1
    assert some.of_rows([2])[0] == people[10]


def test_nobody_is_an_empty_list(tmp_path):
    assert list(RecordFile.of([], tmp_path)) == []
