"""Hashes and stored profiles of those who did not change come from the previous version."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from experts.models import Expert, ExpertTag, Tag
from experts.models.document import Document
from experts.profiles.records import FIELDS, ExpertRecord, document_hash
from indexing.building import profiles
from indexing.lib import paths
from indexing.snapshot import profiles as stored_profiles
from indexing.snapshot.manifest import FORMAT, MANIFEST_NAME
from indexing.snapshot.writer import FIELD_HASHES, PROFILE_FILES
from tests.support import cast
from tests.support.index_cast import built, built_snapshot, next_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory(monkeypatch) -> list[Expert]:
    """22 experts in a version whose blocks have 4 profiles."""
    monkeypatch.setattr(stored_profiles, "BLOCK", 4)
    monkeypatch.setattr(profiles, "BLOCK", 8)
    experts = cast.experts(22)
    built()
    return experts


@pytest.fixture
def hashed_and_packed(monkeypatch) -> tuple[list[int], list[int]]:
    """The ids of those whose fields are hashed from now on, and of those whose profiles are compressed."""
    hashed: list[int] = []
    packed: list[int] = []
    hash_fields, as_json = profiles.field_hashes, stored_profiles._as_json

    def noted(experts: Sequence[ExpertRecord]) -> Any:
        hashed.extend(expert.id for expert in experts)
        return hash_fields(experts)

    def noted_too(experts: Sequence[ExpertRecord]) -> bytes:
        packed.extend(expert.id for expert in experts)
        return as_json(experts)

    monkeypatch.setattr(profiles, "field_hashes", noted)
    monkeypatch.setattr(stored_profiles, "_as_json", noted_too)
    return hashed, packed


def test_only_who_changed_is_hashed_and_only_their_block_compressed(directory, hashed_and_packed):
    edited = directory[9]
    Expert.objects.filter(pk=edited.pk).update(city="Utrecht")
    snapshot = built_snapshot(next_order(2))
    assert hashed_and_packed == ([edited.pk], [each.pk for each in directory[8:12]])
    assert snapshot.baseline.profiles_of([edited.pk])[edited.pk]["city"] == "Utrecht"


def test_nobody_is_hashed_if_nobody_changed_and_the_last_block_is_copied_too(directory, hashed_and_packed):
    built(next_order(2))
    assert hashed_and_packed == ([], [])


def test_a_tag_or_a_document_counts_as_a_change(directory, hashed_and_packed):
    tagged, wrote = directory[0], directory[21]
    tag = Tag.objects.create(name="Bees", kind="domain", is_active=False)
    ExpertTag.objects.create(expert=tagged, tag=tag, source=ExpertTag.Source.MANUAL)
    text = "About bees."
    Document.objects.create(
        expert=wrote, name="bees.txt", kind="txt", size=len(text), text=text, text_hash=document_hash(text)
    )
    snapshot = built_snapshot(next_order(2))
    assert hashed_and_packed[0] == [tagged.pk, wrote.pk]
    stored = snapshot.baseline.profiles_of([tagged.pk, wrote.pk])
    assert stored[tagged.pk]["manual_tags"] == str(tag.pk)
    assert stored[wrote.pk]["documents"] == document_hash(text)


def test_after_somebody_left_the_blocks_behind_are_compressed_again(directory, hashed_and_packed):
    left = directory.pop(5).pk
    Expert.objects.filter(pk=left).delete()
    snapshot = built_snapshot(next_order(2))
    assert hashed_and_packed == ([], [each.pk for each in directory[4:]])
    assert [name["username"] for name in snapshot.baseline.profiles_of(snapshot.ids.tolist()).values()] == [
        each.username for each in directory
    ]


@pytest.mark.parametrize("name", [FIELD_HASHES, *PROFILE_FILES])
def test_a_damaged_file_is_said_and_everybody_is_hashed(directory, hashed_and_packed, caplog, name):
    path = paths.version_folder(1) / name
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with caplog.at_level(logging.WARNING, "indexing"):
        built(next_order(2))
    assert len(hashed_and_packed[0]) == len(directory)
    assert any("written again" in each.message and name in each.message for each in caplog.records)


@pytest.mark.parametrize(("name", "was"), [("format", FORMAT - 1), ("fields", list(FIELDS)[:-1])])
def test_nothing_is_taken_over_of_another_format_or_other_fields(directory, hashed_and_packed, name, was):
    path = paths.version_folder(1) / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {name: was}))
    built(next_order(2))
    assert hashed_and_packed == ([each.pk for each in directory],) * 2


def test_nothing_is_taken_over_if_everything_is_recomputed(directory, hashed_and_packed):
    built(next_order(2, reembed=True))
    assert hashed_and_packed == ([each.pk for each in directory],) * 2
