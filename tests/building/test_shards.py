"""What a build that ends badly leaves for the next one, and what of it is not used."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from experts.models import Expert
from indexing.building import shards, writing
from indexing.building.pipeline import build
from indexing.errors import Cancelled, DiskFull, VerifyFailed
from indexing.lib import paths
from indexing.lib.messages import message
from indexing.models import RebuildRun
from indexing.ops import backup, retention
from indexing.snapshot.reader import Snapshot
from tests.support import cast, damage
from tests.support.fakes import HashEncoder
from tests.support.index_cast import FULL, TAGS, RecordedStage, RecordingReporter, built

pytestmark = pytest.mark.django_db

FIRST = 8
"""Texts that are stored when the first build stops."""


@pytest.fixture
def order(monkeypatch):
    monkeypatch.setattr(shards, "SIZE", 4)
    return replace(FULL, encoded=paths.encoded_folder())


def stopping(stage: RecordedStage) -> None:
    if stage.name == "embed" and stage.done > FIRST:
        raise Cancelled


def stopped(order) -> None:
    with pytest.raises(Cancelled):
        build(order, RecordingReporter(stop=stopping))


def files() -> list[Path]:
    return sorted(paths.encoded_folder().glob("*/*"))


def documents(encoder: HashEncoder) -> list[str]:
    return [text for text in encoder.encoded if encoder.roles[text] == "document"]


def test_a_cancelled_build_leaves_its_shards_and_the_next_encodes_the_rest(order, encoder, caplog):
    cast.experts(20)
    stopped(order)
    assert len(files()) == 2
    encoder.encoded.clear()
    reporter = RecordingReporter()
    with caplog.at_level("INFO"):
        made = build(order, reporter)
    assert (made.encoded, made.reused) == (12, 8)
    assert len(documents(encoder)) == reporter["embed"].total == reporter["embed"].done == 12
    assert "8 texts were encoded already" in caplog.text
    afresh = Snapshot.open(built(replace(FULL, number=2)).folder)
    np.testing.assert_array_equal(Snapshot.open(made.folder).vectors, afresh.vectors)


def test_what_was_edited_in_between_is_encoded_again(order, encoder):
    people = cast.experts(20)
    stopped(order)
    encoder.encoded.clear()
    Expert.objects.filter(pk__in=[each.pk for each in people]).update(company="Elsewhere")
    made = build(order, RecordingReporter())
    assert (made.encoded, made.reused) == (20, 0)
    assert len(files()) == 5  # those of the earlier texts are gone


def test_a_tags_build_leaves_its_texts_to_a_full_one_and_takes_none_away(order, encoder):
    cast.experts(20)
    stopped(order)
    build(replace(order, kind="tags", number=None), RecordingReporter())
    assert len(files()) == 5
    build(replace(TAGS, encoded=order.encoded), RecordingReporter())  # with nobody to tag
    encoder.encoded.clear()
    made = build(order, RecordingReporter())
    assert (made.encoded, documents(encoder)) == (0, [])


def test_recomputing_takes_only_what_was_recomputed(order, encoder):
    cast.experts(20)
    stopped(order)
    encoder.encoded.clear()
    recomputing = replace(order, reembed=True)
    stopped(recomputing)
    assert len(documents(encoder)) > FIRST
    assert build(recomputing, RecordingReporter()).encoded == 12


def test_another_model_takes_none_of_it(order):
    cast.experts(20)
    stopped(order)
    other = shards.Shards(paths.encoded_folder(), "another")
    assert not other.read_into(np.empty((1, 64), np.float32), [bytes(16)], ()).any()
    assert len(files()) == 2


@pytest.mark.parametrize("harm", ["bit", "cut", "empty", "unfinished", "dimension"])
def test_a_damaged_shard_is_deleted_and_encoded_again(order, encoder, harm):
    cast.experts(20)
    stopped(order)
    path = files()[0]
    if harm == "bit":
        damage.flip_bit(path)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "unfinished":
        path.rename(path.with_name(f"{path.name}.1{shards.UNFINISHED}"))
    else:
        path.unlink()
        key = np.frombuffer(b"0" * 16, np.uint8)
        shards.Shards(paths.encoded_folder(), HashEncoder.fingerprint).add([key.tobytes()], np.eye(1, 65, dtype="f4"))
    made = build(order, RecordingReporter())
    assert (made.encoded, made.reused) == (16, 4)
    assert all(len(path.name) == 32 for path in files())


def test_vectors_that_cannot_be_used_are_not_stored(order):
    store = shards.Shards(paths.encoded_folder(), "model")
    good = np.eye(3, 8, dtype=np.float32)
    bad = good.copy()
    bad[0], bad[1] = np.nan, 0
    keys = [bytes([number]) * 16 for number in range(3)]
    store.add(keys[:2], bad[:2])
    assert files() == []
    store.add(keys, bad)
    found = np.zeros((3, 8), np.float32)
    assert store.read_into(found, keys, keys).tolist() == [False, False, True]
    np.testing.assert_array_equal(found[2], good[2])


def test_where_shards_cannot_be_written_the_build_goes_on_and_says_so_once(order, monkeypatch, caplog):
    cast.experts(20)

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shards, "flush_to_disk", full)
    assert build(order, RecordingReporter()).encoded == 20
    assert caplog.text.count("is not stored until the version is complete: [Errno 28]") == 1
    assert files() == []


def test_without_room_for_version_and_shards_nothing_is_encoded(order, encoder, monkeypatch):
    cast.experts(20)
    monkeypatch.setattr("indexing.building.writing.free_bytes", lambda folder: 1_000_000)
    with pytest.raises(DiskFull):
        build(order, RecordingReporter())
    assert encoder.encoded == []


@pytest.mark.django_db(transaction=True)
def test_a_version_that_fails_its_checks_leaves_nothing_to_the_next_run(monkeypatch):
    stored: list[Path] = []

    def wrong(*_arguments: object) -> None:
        stored.extend(files())
        raise VerifyFailed(message("Somebody cannot be found."))

    monkeypatch.setattr(writing.verify, "check", wrong)
    cast.experts(4)
    assert cast.rebuild().state == RebuildRun.State.FAILED
    assert stored
    assert files() == []


def test_what_no_run_used_is_deleted_after_a_week(order):
    cast.experts(20)
    stopped(order)
    said = "files of what was encoded"
    assert retention.clean_up(timezone.now() + timedelta(days=6))[said] == 0
    assert retention.clean_up(timezone.now() + timedelta(days=8))[said] == 2
    assert files() == []


def test_a_backup_leaves_it_out(order, tmp_path):
    cast.experts(20)
    stopped(order)
    backup._copy_files(tmp_path)
    assert not (tmp_path / "encoded").exists()
