"""The manifest is read back with suspicion."""

from __future__ import annotations

import json

import pytest

from indexing.errors import SnapshotInvalid
from indexing.snapshot import manifest
from indexing.snapshot.manifest import EXACT, FORMAT, HNSW, IVF, FileEntry, Manifest

MANIFEST = Manifest(
    number=42,
    fence=7,
    created="2026-02-03T04:05:06+00:00",
    model_name="módel",
    fingerprint="ab" * 32,
    dimension=384,
    count=10,
    template_version=1,
    ann_kind=EXACT,
    ann_recall=None,
    passages=13,
    passage_rule=1,
    files={"ids.npy": FileEntry(208, "cd" * 32), "keywords/meta.json": FileEntry(10, "ef" * 32)},
)


def changed(**changes: object) -> bytes:
    data = json.loads(MANIFEST.to_bytes())
    for key, value in changes.items():
        data[key] = value
    return json.dumps(data).encode()


def test_what_is_written_is_read_back():
    assert Manifest.from_bytes(MANIFEST.to_bytes()) == MANIFEST
    approximate = Manifest.from_bytes(changed(ann_kind=HNSW, ann_recall=0.97))
    assert (approximate.ann_kind, approximate.ann_recall, approximate.ann_effort) == (HNSW, 0.97, None)
    with_effort = Manifest.from_bytes(changed(ann_kind=HNSW, ann_recall=0.97, ann_effort=256))
    assert with_effort.ann_effort == 256
    assert Manifest.from_bytes(with_effort.to_bytes()) == with_effort


def test_an_exact_version_is_written_as_before():
    assert "ann_effort" not in json.loads(MANIFEST.to_bytes())


def test_the_same_manifest_is_the_same_bytes():
    assert MANIFEST.to_bytes() == Manifest.from_bytes(MANIFEST.to_bytes()).to_bytes()
    assert json.loads(MANIFEST.to_bytes())["format"] == FORMAT


def test_its_size_is_that_of_its_files():
    assert MANIFEST.bytes == 218


@pytest.mark.parametrize("key", sorted(json.loads(MANIFEST.to_bytes())))
def test_a_missing_key_is_named(key):
    data = json.loads(MANIFEST.to_bytes())
    del data[key]
    with pytest.raises(SnapshotInvalid, match=f"“{key}”"):
        Manifest.from_bytes(json.dumps(data).encode())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("number", "42"),
        ("number", True),
        ("number", -1),
        ("fence", None),
        ("created", "yesterday"),
        ("created", 1),
        ("model_name", 3),
        ("fingerprint", None),
        ("dimension", 384.0),
        ("count", []),
        ("ann_kind", "magic"),
        ("ann_recall", 0.9),
        ("ann_effort", 128),
        ("ann_effort", "128"),
        ("passages", -1),
        ("passage_rule", "1"),
        ("files", []),
        ("files", {"ids.npy": 3}),
        ("files", {"ids.npy": {"bytes": 3}}),
        ("files", {"../ids.npy": {"bytes": 3, "sha256": ""}}),
        ("files", {"/etc/passwd": {"bytes": 3, "sha256": ""}}),
    ],
)
def test_a_wrong_value_is_named(key, value):
    with pytest.raises(SnapshotInvalid, match=rf"manifest\.json.*{key}|sha256"):
        Manifest.from_bytes(changed(**{key: value}))


def test_an_approximate_index_must_tell_its_recall():
    with pytest.raises(SnapshotInvalid, match="ann_recall"):
        Manifest.from_bytes(changed(ann_kind=HNSW))


def test_a_release_that_knows_no_index_of_lists_refuses_one_clearly(monkeypatch):
    """Such a version has no format of its own: its kind is all that those releases can tell it by."""
    written = changed(ann_kind=IVF, ann_recall=0.97, ann_effort=64)
    assert Manifest.from_bytes(written).ann_kind == IVF
    monkeypatch.setattr(manifest, "IVF", HNSW)
    with pytest.raises(SnapshotInvalid) as refused:
        Manifest.from_bytes(written)
    assert str(refused.value).startswith("manifest.json: “ann_kind” is 'ivf', expected: exact | hnsw")
    assert str(refused.value).endswith("Rebuild the index.")


def test_another_format_is_refused_clearly():
    with pytest.raises(SnapshotInvalid, match="another release of TCS, in format 99; this release reads format 10"):
        Manifest.from_bytes(changed(format=99))


def test_the_format_before_is_read_and_stays_what_it_is():
    earlier = Manifest.from_bytes(changed(format=1))
    assert earlier.format == 1
    assert Manifest.from_bytes(earlier.to_bytes()) == earlier


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_anything_but_a_manifest_is_refused(raw):
    with pytest.raises(SnapshotInvalid, match="manifest"):
        Manifest.from_bytes(raw)
