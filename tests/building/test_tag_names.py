"""The names of tags by the rows of a version."""

from __future__ import annotations

from experts.profiles.records import ExpertRecord
from indexing.building.tag_names import TagNames
from indexing.snapshot.facets import FacetColumns

TAGS = {1: (10, 30), 2: (), 3: (20,), 4: (10, 20, 30)}
PEOPLE = [ExpertRecord(key, f"u{key}", "", "", "", "", "", None, "", "", False, "") for key in TAGS]


def test_names_come_by_row_without_tags_that_were_deleted_meanwhile():
    names = TagNames(FacetColumns.from_records(PEOPLE, TAGS), {10: "Bees", 30: "Steel", 40: "Nobody's"})
    assert [names.of_row(row) for row in range(4)] == [("Bees", "Steel"), (), (), ("Bees", "Steel")]
    assert names.starts.tolist() == [0, 2, 2, 2, 4]
    assert names.hashes[:2].tolist() == names.hashes[2:].tolist()
    assert len(set(names.hashes.tolist())) == 2


def test_a_directory_without_tags_has_no_names():
    names = TagNames(FacetColumns.from_records(PEOPLE, {}), {})
    assert [names.of_row(row) for row in range(4)] == [()] * 4
    assert len(names.hashes) == 0
