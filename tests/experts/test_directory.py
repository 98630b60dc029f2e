"""Reading the directory for a build."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experts.directory import read_active
from experts.models import Expert, ExpertTag, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def tags() -> list[Tag]:
    return [Tag.objects.create(kind="domain", name=f"Tag {n}", description="Something") for n in range(3)]


def test_active_experts_are_read_by_id_with_their_fields() -> None:
    hidden = Expert.objects.create(username="hidden", is_active=False)
    ann = Expert.objects.create(
        username="ann",
        first_name="Ann",
        last_name="Zed",
        job_title="Singer",
        company="Choir",
        bio="Sings",
        hourly_rate=Decimal("80.50"),
        currency="EUR",
        category="Art",
        photo_url="https://example.com/a.jpg",
        tagged_for="f" * 32,
    )
    ben = Expert.objects.create(username="ben", last_name="Abe")
    first, second = read_active()
    assert (first.id, second.id) == (ann.pk, ben.pk)
    assert hidden.pk not in (first.id, second.id)
    assert (first.full_name, first.job_title, first.company, first.bio) == ("Ann Zed", "Singer", "Choir", "Sings")
    assert (first.hourly_rate, first.currency, first.category) == (Decimal("80.50"), "EUR", "Art")
    assert (first.has_photo, second.has_photo) == (True, False)
    assert first.tagged_for == "f" * 32


def test_only_manual_tags_are_read_and_each_expert_once(tags: list[Tag]) -> None:
    experts = [Expert.objects.create(username=f"u{n}") for n in range(4)]
    for tag in reversed(tags):
        ExpertTag.objects.create(expert=experts[1], tag=tag)
    ExpertTag.objects.create(expert=experts[2], tag=tags[0], source="auto", score=0.5)
    ExpertTag.objects.create(expert=experts[3], tag=tags[0], source="auto", score=0.5)
    ExpertTag.objects.create(expert=experts[3], tag=tags[2])
    records = read_active()
    assert [record.id for record in records] == [expert.pk for expert in experts]
    assert [record.manual_tags for record in records] == [(), tuple(tag.pk for tag in tags), (), (tags[2].pk,)]


def test_one_statement_reads_the_directory(tags: list[Tag]) -> None:
    Expert.objects.bulk_create(Expert(username=f"u{n}") for n in range(2_100))
    with CaptureQueriesContext(connection) as queries:
        assert len(read_active()) == 2_100
    assert len(queries) == 1


def test_an_empty_directory_has_no_records() -> None:
    assert read_active() == []
