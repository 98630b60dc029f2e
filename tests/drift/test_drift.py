"""What the live version does not know yet: new and removed experts, and in which fields others changed."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from experts.models import Expert, ExpertTag, Tag
from experts.profiles.hashes import field_hashes
from experts.profiles.records import FIELDS, ExpertRecord
from indexing import drift
from indexing.snapshot.reader import Snapshot
from tests.support import cast
from tests.support.index_cast import built_snapshot

pytestmark = pytest.mark.django_db

CHANGES = {
    "username": {"username": "renamed"},
    "name": {"last_name": "Newlywed"},
    "job_title": {"job_title": "Glazier"},
    "company": {"company": "Another one"},
    "bio": {"bio": "Tells another story."},
    "rate": {"hourly_rate": Decimal("95.50")},
    "currency": {"currency": "CHF"},
    "category": {"category": "Culture"},
    "photo": {"photo_url": "https://example.org/1.jpg"},
    "city": {"city": "Utrecht"},
    "country": {"country": "NL"},
    "languages": {"languages": "nl en"},
    "available_from": {"available_from": "2026-12-01"},
}
EMBEDDED = {"job_title", "company", "bio"}


@pytest.fixture
def version() -> Snapshot:
    cast.experts(10)
    return built_snapshot()


def first() -> Expert:
    return Expert.objects.get(username="expert-001")


def test_an_unchanged_directory_has_no_drift(version):
    found = drift.measure(version.baseline)
    assert (found.count, found.share, found.fields) == (0, 0.0, {})


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_is_reported_with_its_field(version, field):
    expert = first()
    Expert.objects.filter(pk=expert.pk).update(**CHANGES[field])
    found = drift.measure(version.baseline)
    assert found.fields == {field: 1}
    assert found.changed.tolist() == [expert.pk]


@pytest.mark.parametrize("field", CHANGES)
def test_only_a_change_of_the_embedded_text_is_encoded(version, field):
    Expert.objects.filter(pk=first().pk).update(**CHANGES[field])
    plan = drift.plan_rebuild(version)
    assert (plan.changed, plan.fields) == (1, {field: 1})
    assert plan.to_encode == (1 if field in EMBEDDED else 0)


def test_a_manual_tag_is_a_change_and_an_automatic_one_is_not(version):
    tag, other = Tag.objects.exclude(experts=first())[:2]
    ExpertTag.objects.create(expert=first(), tag=tag, source=ExpertTag.Source.AUTO, score=0.5)
    assert drift.measure(version.baseline).fields == {}
    ExpertTag.objects.create(expert=first(), tag=other, source=ExpertTag.Source.MANUAL)
    assert drift.measure(version.baseline).fields == {"manual_tags": 1}


def test_an_expert_who_changed_in_three_fields_is_one_expert(version):
    Expert.objects.filter(pk=first().pk).update(bio="Other.", category="Culture", currency="CHF")
    Expert.objects.filter(username="expert-002").update(bio="Other too.")
    found = drift.measure(version.baseline)
    assert len(found.changed) == 2
    assert found.fields == {"bio": 2, "currency": 1, "category": 1}


def test_added_and_removed_experts_changed_in_no_field(version):
    gone = first()
    Expert.objects.filter(pk=gone.pk).update(is_active=False)
    came = Expert.objects.create(username="new", job_title="Glazier")
    found = drift.measure(version.baseline)
    assert (found.added.tolist(), found.removed.tolist()) == ([came.pk], [gone.pk])
    assert (found.changed.tolist(), found.fields) == ([], {})


def test_a_reverted_change_does_not_count(version):
    Expert.objects.filter(pk=first().pk).update(category="Culture")
    Expert.objects.filter(pk=first().pk).update(category="Finance")
    assert drift.measure(version.baseline).count == 0


def test_without_a_version_everybody_is_new():
    cast.experts(3)
    plan = drift.plan_rebuild(None)
    assert (plan.added, plan.changed, plan.fields, plan.to_encode, plan.seconds) == (3, 0, {}, 3, None)


def record(**changes: object) -> ExpertRecord:
    values = dict.fromkeys(
        ("username", "first_name", "last_name", "job_title", "company", "bio", "currency", "category", "tagged_for"),
        "",
    ) | {"id": 1, "hourly_rate": None, "has_photo": False, "manual_tags": ()}
    return ExpertRecord(**(values | changes))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"hourly_rate": Decimal("80")}, {"hourly_rate": Decimal("80.00")}),
        ({"manual_tags": (3, 1)}, {"manual_tags": (1, 3)}),
    ],
)
def test_the_same_value_written_differently_does_not_count(one, other):
    rows = field_hashes([record(**one), record(**other)])
    assert (rows[0] == rows[1]).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"first_name": "Anna", "last_name": ""}, {"first_name": "", "last_name": "Anna"}),
        ({"hourly_rate": None}, {"hourly_rate": Decimal(0)}),
        ({"manual_tags": (1, 2)}, {"manual_tags": (12,)}),
    ],
)
def test_values_that_look_alike_are_distinguished(one, other):
    rows = field_hashes([record(**one), record(**other)])
    assert (rows[0] != rows[1]).sum() == 1


def test_a_row_for_each_expert_and_a_column_for_each_field():
    rows = field_hashes([record(), record(), record()])
    assert (rows.shape, rows.dtype) == ((3, len(FIELDS)), np.dtype(np.uint64))
    assert field_hashes([]).shape == (0, len(FIELDS))


def test_any_text_can_be_hashed():
    assert field_hashes([record(bio="lone \ud800 surrogate, \0 and \U0001f41d")]).shape == (1, len(FIELDS))
