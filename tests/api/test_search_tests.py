"""Search tests and what people do, for programs."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.utils import timezone

from experts.models import Expert
from indexing.models import ExpertUse, QueryUse, SearchLog, SearchTest
from tests.support import cast

pytestmark = pytest.mark.django_db
TESTS, USE = "/api/admin/search-tests", "/api/admin/use"


@pytest.fixture
def program(client):
    rights = ("indexing.view", "indexing.add_searchtest", "indexing.delete_searchtest")
    client.force_login(cast.staff(*rights, username="robot"))
    cast.experts(3)
    return client


def save(client, **wanted: object) -> Any:
    return client.post(TESTS, wanted, content_type="application/json")


def test_a_test_is_saved_listed_and_deleted(program):
    saved = save(program, query="bread", k=3, expected=["expert-001"], unwanted=["expert-002"])
    assert saved.status_code == 200
    assert program.get(TESTS).json()["tests"] == [saved.json()]
    test = SearchTest.objects.get()
    people = {"expected": ["expert-001"], "unwanted": ["expert-002"]}
    assert saved.json() == {"id": test.pk, "query": "bread", "k": 3, "active": True} | people
    assert program.post(f"{TESTS}/{test.pk}/delete").json() == {"id": test.pk, "query": "bread"}
    assert program.post(f"{TESTS}/{test.pk}/delete").status_code == 404
    assert not SearchTest.objects.exists()
    entries = LogEntry.objects.order_by("pk").values_list("user__username", "object_repr", "action_flag")
    assert list(entries) == [("robot", "bread", ADDITION), ("robot", "bread", DELETION)]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "query"),
        ({"query": "  "}, "query"),
        ({"query": "x" * 501}, "query"),
        ({"query": "a\0b"}, "query"),
        ({"query": "bread", "k": 0}, "k"),
        ({"query": "bread", "k": 101}, "k"),
        ({"query": "bread", "expected": ["nobody"]}, "expected"),
        ({"query": "bread", "unwanted": ["expert-001", "nobody"]}, "unwanted"),
        ({"query": "bread", "expected": ["expert-001"] * 101}, "expected"),
        ({"query": "bread", "expected": ["expert-001"], "unwanted": ["expert-001"]}, "unwanted"),
        ({"query": "taken"}, "query"),
    ],
)
def test_what_makes_no_sense_is_refused_and_names_the_field(program, wanted, field):
    SearchTest.objects.create(text="taken")
    answer = save(program, **wanted)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]
    assert SearchTest.objects.count() == 1


def test_saving_and_deleting_need_their_own_permissions(client):
    test = SearchTest.objects.create(text="bread")
    client.force_login(cast.staff("indexing.view", "indexing.view_searchtest", "indexing.change_searchtest"))
    assert save(client, query="wine").status_code == 403
    assert client.post(f"{TESTS}/{test.pk}/delete").status_code == 403
    assert SearchTest.objects.count() == 1


def test_use_is_counted_by_query_and_expert_without_names(program):
    first, second, third = Expert.objects.order_by("pk")
    today = timezone.localdate()
    for query, hits in (("bread", 3), ("bread", 3), ("wine", 0)):
        made = {"at": timezone.now(), "day": today, "mode": "hybrid", "k": 20, "version": 1, "seconds": 0.01}
        SearchLog.objects.create(query=query, folded=query, hits=hits, found_nobody=not hits, **made)
    QueryUse.objects.create(folded="bread", day=today, opened=2, contacted=1)
    ExpertUse.objects.create(expert=first, day=today, shown=3, opened=2)
    ExpertUse.objects.create(expert=second, day=today, shown=9, rejected=1)
    ExpertUse.objects.create(expert=third, day=today, shown=20)
    Expert.objects.filter(pk=third.pk).update(is_active=False)
    found = program.get(USE).json()
    assert found["trends"]["searches"] == {"now": 3, "before": 0}
    assert [(each["query"], each["searches"], each["zero"], each["opened"]) for each in found["queries"]] == [
        ("bread", 2, 0, 2),
        ("wine", 1, 1, 0),
    ]
    counts = [(each["username"], each["shown"], each["opened"], each["rejected"]) for each in found["experts"]]
    assert counts == [(second.username, 9, 0, 1), (first.username, 3, 2, 0)]
    short = program.get(USE, {"limit": 1}).json()
    assert (len(short["queries"]), len(short["experts"])) == (1, 1)
    assert program.get(USE, {"limit": 1_001}).status_code == 422
