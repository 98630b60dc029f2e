"""What a build does block by block gives what it would give all at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experts.models import Expert, ExpertTag
from experts.profiles import record_file
from experts.profiles.records import ExpertRecord
from experts.tagging import assignment
from indexing.building import embedding, keywords, profiles, unit_length
from indexing.building.pipeline import build
from indexing.building.text_file import TextFile
from indexing.snapshot import counted_terms, meaning_index, sorted_keys, vectors
from indexing.snapshot.feedback_terms import FeedbackTerms
from indexing.snapshot.languages import terms_of
from indexing.snapshot.manifest import IVF
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.recall import LIST_EFFORTS
from indexing.snapshot.sorted_keys import SortedKeys
from tests.support import cast
from tests.support.index_cast import FULL, RecordingReporter, built, built_snapshot, next_order

BLOCKS = (
    (record_file, "BLOCK", 3),
    (embedding, "BLOCK", 2),
    (unit_length, "BLOCK", 3),
    (profiles, "BLOCK", 64),
    (keywords, "BLOCK", 3),
    (meaning_index, "ROWS_AT_ONCE", 5),
    (assignment, "BLOCK", 4),
    (counted_terms, "BLOCK", 2),
    (sorted_keys, "BLOCK", 5),
)


def long_bio(number: int) -> str:
    return " ".join(f"Sentence {each} of expert {number} is about roofs, pumps and gardens." for each in range(20))


@pytest.fixture
def directory(db) -> list[Expert]:
    """14 experts, every third with several passages, and two the same text."""
    experts = cast.experts(14)
    for number, expert in enumerate(experts):
        expert.bio = long_bio(number) if number % 3 == 0 else expert.bio
        if number in (4, 8):
            expert.bio, expert.job_title, expert.company = "The same.", "Twin", ""
        expert.save()
    return experts


def everything(folder: Path) -> dict[str, Any]:
    arrays = {path.name: np.load(path) for path in sorted(folder.glob("*.npy"))}
    for path in sorted(folder.glob("*.npz")):
        arrays |= {f"{path.name} {name}": array for name, array in np.load(path).items()}
    return arrays


def test_a_version_is_the_same_however_small_the_blocks_are(directory, monkeypatch):
    whole = build(replace(FULL, tag_threshold=-1.0), RecordingReporter())
    tags = sorted(ExpertTag.objects.values_list("expert", "tag"))
    Expert.objects.update(tagged_for="")
    ExpertTag.objects.all().delete()
    for module, name, value in BLOCKS:
        monkeypatch.setattr(module, name, value)
    parts = build(replace(FULL, number=2, tag_threshold=-1.0), RecordingReporter())
    assert whole.folder
    assert parts.folder
    expected, found = everything(whole.folder), everything(parts.folder)
    assert expected.keys() == found.keys()
    assert len(expected["passages.npy"]) > 10
    for name, array in expected.items():
        if array.dtype == np.float32:
            np.testing.assert_allclose(found[name], array, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], array, name)
    assert sorted(ExpertTag.objects.values_list("expert", "tag")) == tags
    assert len(tags) > 14


def test_a_text_that_several_have_is_encoded_once_for_all(directory):
    snapshot = built_snapshot()
    rows = snapshot.rows(np.array([directory[4].pk, directory[8].pk]))
    np.testing.assert_array_equal(snapshot.vectors[rows[0]], snapshot.vectors[rows[1]])


def test_a_very_large_version_has_lists_and_finds_what_an_exact_one_does(directory, monkeypatch):
    exact = built_snapshot()
    monkeypatch.setattr(vectors, "GRAPH_UP_TO", 10)
    made = built(next_order(exact_up_to=5))
    assert made.manifest
    assert (made.manifest.ann_kind, made.manifest.ann_effort) == (IVF, LIST_EFFORTS[0])
    snapshot = Snapshot.open(made.folder, manifest_sha256=made.manifest_sha256)
    assert snapshot.meaning.index.kind == IVF
    for row in range(len(exact)):
        vector = exact.meaning.whole(row)
        ids, near = exact.semantic(vector, 5)
        same, nearly = snapshot.semantic(vector, 5)
        np.testing.assert_array_equal(same, ids)
        np.testing.assert_allclose(nearly, near, atol=1e-5)


def test_texts_in_a_file_come_back(tmp_path):
    texts = TextFile(tmp_path)
    texts[b"a"] = "Zürich \ud800"
    assert texts[b"a"] == "Zürich \ud800"
    texts[b"b"], texts[b"c"] = "", "more"
    texts[b"a"] = "Zürich \ud800"
    assert dict(texts) == {b"a": "Zürich \ud800", b"b": "", b"c": "more"}
    assert b"b" in texts
    assert b"d" not in texts
    with pytest.raises(KeyError):
        texts[b"d"]
    assert list(tmp_path.iterdir()) == []


def test_keys_are_sorted_by_their_bytes_then_by_number(monkeypatch):
    monkeypatch.setattr(sorted_keys, "BLOCK", 4)
    random = np.random.default_rng(0)
    keys, expected = SortedKeys(), []
    for number in range(50):
        some = {bytes(random.integers(97, 100, size=random.integers(1, 4)).tolist()) for _ in range(3)} | {
            b"\xc3\xa9"
        }
        keys.add(number, some)
        expected += [(key, number) for key in some]
    letters, ends, numbers = keys.arrays()
    begins = [0, *ends.tolist()]
    found = [letters[start:end].tobytes() for start, end in zip(begins, begins[1:], strict=False)]
    assert list(zip(found, numbers.tolist(), strict=True)) == sorted(expected)


def test_the_words_of_each_text_are_counted_as_one_by_one(monkeypatch):
    monkeypatch.setattr(counted_terms, "BLOCK", 3)
    bios = ["heat heat pumps", "", "heat pumps roofs", "roofs gardens", "pumps pumps pumps heat", "gardens", "alone"]
    experts = [
        ExpertRecord(key, f"user-{key}", "", "", "", "", bio, None, "", "", False, "") for key, bio in enumerate(bios)
    ]
    terms = FeedbackTerms.from_records(experts, ["en"] * len(bios), PassageRows.none())
    had_by = Counter(word for bio in bios for word in {*terms_of(bio, "en")})
    for row, bio in enumerate(bios):
        own = terms.entries[terms.starts[row] : terms.starts[row + 1]]
        assert {terms._word(int(each)) for each in own["term"]} == {
            word for word in terms_of(bio, "en") if had_by[word] > 1
        }
        assert (np.diff(own["weight"]) <= 0).all()
