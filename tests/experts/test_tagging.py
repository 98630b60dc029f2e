"""Which expert gets which tag, and what is written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experts.models import Expert, ExpertTag, Tag
from experts.tagging import assignment, storage
from experts.tagging.assignment import TagSpec, assign, tag_set_hash, tagging_basis
from experts.tagging.default_tags import DEFAULT_TAGS
from experts.tagging.storage import TagChanges, store

ROOM = Path(assignment.__file__).parent


def spec(number: int, kind: str = "domain", name: str = "", description: str = "d") -> TagSpec:
    return TagSpec(number, name or f"tag {number}", kind, description)


def unit(*angles: float) -> np.ndarray:
    """Unit vectors in a plane: the similarity of two is the cosine of the angle between."""
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def ignore(_count: int) -> None:
    pass


# --- the default tags ---


def test_there_are_about_60_domains_and_14_industries() -> None:
    kinds = [kind for kind, _name, _description in DEFAULT_TAGS]
    assert 55 <= kinds.count("domain") <= 65
    assert kinds.count("industry") == 14
    assert len({name.casefold() for _kind, name, _description in DEFAULT_TAGS}) == len(DEFAULT_TAGS)


def test_every_default_tag_fits_its_fields_and_is_one_line() -> None:
    for kind, name, description in DEFAULT_TAGS:
        Tag(kind=kind, name=name, description=description).clean_fields()
        assert "\n" not in description
        assert description


def test_tagging_imports_nothing_of_indexing() -> None:
    for path in ROOM.rglob("*.py"):
        assert not re.search(r"^\s*(from|import) indexing", path.read_text(encoding="utf-8"), re.M), path


# --- who gets which ---


def test_tags_above_the_threshold_come_best_first() -> None:
    tags = [spec(7), spec(8), spec(9, "industry")]
    ((first, second),) = assign(unit(0), unit(30, 80, 10), tags, 0.5)
    assert (first[0], second[0]) == (9, 7)
    assert first[1] == pytest.approx(np.cos(np.radians(10)), abs=1e-6)


def test_the_threshold_itself_is_enough() -> None:
    assert assign(unit(0), unit(0), [spec(1)], 1.0) == [[(1, 1.0)]]


def test_at_most_six_domains_and_three_industries() -> None:
    tags = [spec(n) for n in range(10)] + [spec(n, "industry") for n in range(10, 20)]
    (row,) = assign(unit(0), unit(*range(20)), tags, 0.1)
    assert sorted(number for number, _score in row) == [0, 1, 2, 3, 4, 5, 10, 11, 12]


def test_no_experts_and_no_tags_are_allowed() -> None:
    assert assign(unit(), unit(0), [spec(1)], 0.2) == []
    assert assign(unit(0, 90), np.zeros((0, 2), np.float32), [], 0.2) == [[], []]
    assert assign(unit(90), unit(0), [spec(1)], 0.2) == [[]]


def test_blocks_give_the_same_as_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    vectors = generator.normal(size=(50, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tags = [spec(n, "domain" if n % 2 else "industry") for n in range(12)]
    whole = assign(vectors, vectors[:12], tags, 0.1)
    monkeypatch.setattr(assignment, "BLOCK", 7)
    parts = assign(vectors, vectors[:12], tags, 0.1)
    assert [[number for number, _ in row] for row in parts] == [[number for number, _ in row] for row in whole]


def test_a_wrong_number_of_tag_vectors_is_refused() -> None:
    with pytest.raises(ValueError, match="2 tag vectors for 1 tags"):
        assign(unit(0), unit(0, 1), [spec(1)], 0.2)


# --- when they are computed again ---


def test_the_hash_changes_with_the_model_the_tags_and_the_threshold_but_not_their_order() -> None:
    tags = [spec(1), spec(2)]
    same = tag_set_hash("model", tags, 0.3)
    assert tag_set_hash("model", tags[::-1], 0.3) == same
    others = [
        tag_set_hash("other", tags, 0.3),
        tag_set_hash("model", tags, 0.31),
        tag_set_hash("model", tags[:1], 0.3),
        tag_set_hash("model", [spec(1), spec(2, name="x")], 0.3),
        tag_set_hash("model", [spec(1), spec(2, description="x")], 0.3),
        tag_set_hash("model", [spec(1), spec(2, "industry")], 0.3),
    ]
    assert len({same, *others}) == len(others) + 1


def test_the_basis_fits_its_column_and_changes_with_text_and_tags() -> None:
    one, two = tag_set_hash("m", [spec(1)], 0.3), tag_set_hash("m", [spec(2)], 0.3)
    assert len({tagging_basis(b"a" * 16, one), tagging_basis(b"b" * 16, one), tagging_basis(b"a" * 16, two)}) == 3
    assert len(tagging_basis(b"a" * 16, one)) == Expert._meta.get_field("tagged_for").max_length


# --- what is written ---


@pytest.fixture
def tags(db: None) -> list[Tag]:
    return [Tag.objects.create(kind="domain", name=f"Tag {n}", description="Something") for n in range(4)]


@pytest.fixture
def ann(db: None) -> Expert:
    return Expert.objects.create(username="ann", bio="Sings")


def rows(expert: Expert) -> dict[str, tuple[str, float | None]]:
    return {row.tag.name: (row.source, row.score) for row in expert.expert_tags.select_related("tag")}


def test_automatic_tags_are_added_replaced_and_removed(ann: Expert, tags: list[Tag]) -> None:
    one = store({ann.pk: [(tags[0].pk, 0.5), (tags[1].pk, 0.4)]}, {ann.pk: "a" * 32}, between=ignore)
    assert one == TagChanges(added=2, removed=0, experts=1)
    two = store({ann.pk: [(tags[1].pk, 0.4), (tags[2].pk, 0.3)]}, {ann.pk: "b" * 32}, between=ignore)
    assert two == TagChanges(added=1, removed=1, experts=1)
    assert rows(ann) == {"Tag 1": ("auto", 0.4), "Tag 2": ("auto", 0.3)}
    ann.refresh_from_db()
    assert ann.tagged_for == "b" * 32


def test_unchanged_tags_are_not_written(ann: Expert, tags: list[Tag]) -> None:
    store({ann.pk: [(tags[0].pk, 0.5)]}, {ann.pk: "a" * 32}, between=ignore)
    before = ExpertTag.objects.get().pk
    with CaptureQueriesContext(connection) as queries:
        changes = store({ann.pk: [(tags[0].pk, 0.500001)]}, {ann.pk: "a" * 32}, between=ignore)
    assert changes == TagChanges(0, 0, 0)
    assert (ExpertTag.objects.get().pk, ExpertTag.objects.get().score) == (before, 0.5)
    assert not [query for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_a_new_score_is_stored_without_counting_as_a_change(ann: Expert, tags: list[Tag]) -> None:
    store({ann.pk: [(tags[0].pk, 0.5)]}, {}, between=ignore)
    assert store({ann.pk: [(tags[0].pk, 0.6)]}, {}, between=ignore) == TagChanges(0, 0, 0)
    assert rows(ann) == {"Tag 0": ("auto", 0.6)}


def test_manual_tags_survive_and_are_not_doubled(ann: Expert, tags: list[Tag]) -> None:
    ExpertTag.objects.create(expert=ann, tag=tags[0])
    ExpertTag.objects.create(expert=ann, tag=tags[1])
    store({ann.pk: [(tags[0].pk, 0.9), (tags[2].pk, 0.3)]}, {}, between=ignore)
    store({ann.pk: []}, {}, between=ignore)
    assert rows(ann) == {"Tag 0": ("manual", None), "Tag 1": ("manual", None)}


def test_tagging_does_not_change_updated_at(ann: Expert, tags: list[Tag]) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    Expert.objects.update(updated_at=old)
    store({ann.pk: [(tags[0].pk, 0.5)]}, {ann.pk: "a" * 32}, between=ignore)
    ann.refresh_from_db()
    assert ann.updated_at == old


def test_experts_and_tags_deleted_meanwhile_are_skipped(ann: Expert, tags: list[Tag]) -> None:
    gone, no_tag = ann.pk + 1, max(tag.pk for tag in tags) + 1
    assigned = {ann.pk: [(tags[0].pk, 0.5), (no_tag, 0.4)], gone: [(tags[0].pk, 0.5)]}
    changes = store(assigned, {ann.pk: "a" * 32, gone: "a" * 32}, between=ignore)
    assert changes == TagChanges(1, 0, 1)


def test_a_stop_between_batches_leaves_consistent_rows(monkeypatch: pytest.MonkeyPatch, tags: list[Tag]) -> None:
    monkeypatch.setattr(storage, "BATCH", 2)
    experts = [Expert.objects.create(username=f"u{n}") for n in range(5)]

    class Stop(Exception):
        pass

    calls: list[int] = []

    def stop_after_two(count: int) -> None:
        calls.append(count)
        if len(calls) == 2:
            raise Stop

    with pytest.raises(Stop):
        store(
            {expert.pk: [(tags[0].pk, 0.5)] for expert in experts},
            {expert.pk: "a" * 32 for expert in experts},
            between=stop_after_two,
        )
    assert calls == [2, 2]
    tagged = set(ExpertTag.objects.values_list("expert_id", flat=True))
    assert tagged == {expert.pk for expert in experts[:4]}
    assert set(Expert.objects.filter(tagged_for="a" * 32).values_list("pk", flat=True)) == tagged


def test_the_number_of_statements_does_not_grow_with_the_batch(tags: list[Tag]) -> None:
    Expert.objects.bulk_create(Expert(username=f"u{n}") for n in range(300))
    ids = list(Expert.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as queries:
        store({pk: [(tags[0].pk, 0.5)] for pk in ids}, {pk: f"{pk:032d}" for pk in ids}, between=ignore)
    assert len(queries) < 20


def test_names_and_ids_of_tags_are_read_for_all_experts(ann: Expert, tags: list[Tag]) -> None:
    ben = Expert.objects.create(username="ben")
    Expert.objects.create(username="cid")
    ExpertTag.objects.create(expert=ann, tag=tags[2], source="auto", score=0.4)
    ExpertTag.objects.create(expert=ann, tag=tags[0])
    ExpertTag.objects.create(expert=ben, tag=tags[1])
    assert storage.tag_names().items() >= {tag.pk: tag.name for tag in tags}.items()
    assert storage.all_tag_ids() == {ann.pk: (tags[0].pk, tags[2].pk), ben.pk: (tags[1].pk,)}


def test_only_active_tags_are_assigned(tags: list[Tag]) -> None:
    Tag.objects.exclude(pk=tags[1].pk).update(is_active=False)
    assert storage.active_tags() == [TagSpec(tags[1].pk, "Tag 1", "domain", "Something")]
