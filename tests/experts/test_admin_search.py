"""The admin's lists are searched without regard to case and accents, in every script."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from experts.folding import folded
from experts.models import Expert, Tag
from indexing.models import SearchTest
from tests.support import cast

pytestmark = [pytest.mark.django_db, pytest.mark.services]

PEOPLE = {
    "oz": ("Ayşe", "Öztürk"),
    "mu": ("Jürgen", "MÜLLER"),
    "ko": ("Алёна", "Королёва"),
    "oc": ("Sinéad", "O’Connor"),
    "st": ("Jörg", "Strauß"),
    "lo": ("Łukasz", "Żółć"),
    "li": ("小龙", "李"),
}


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(cast.staff(username="root", superuser=True))
    return client


def add_people() -> None:
    for name, (first, last) in PEOPLE.items():
        Expert.objects.create(username=name, first_name=first, last_name=last)


def found(client: Client, words: str) -> list[str]:
    answer = client.get("/admin/experts/expert/", {"q": words})
    return sorted(expert.username for expert in answer.context["cl"].queryset)


@pytest.mark.parametrize(
    ("words", "who"),
    [
        ("öztürk", "oz"),
        ("ÖZTÜRK", "oz"),
        ("ozturk", "oz"),
        ("MÜLLER", "mu"),
        ("muller", "mu"),
        ("mu\u0308ller", "mu"),
        ("королёва", "ko"),
        ("КОРОЛЕВА", "ko"),
        ("O'Connor", "oc"),
        ("O’Connor", "oc"),
        ("oconnor", "oc"),
        ("strauss", "st"),
        ("STRAUSS", "st"),
        ("zolc", "lo"),
        ("李", "li"),
        ("Müller, Jürgen", "mu"),
        ("muller,jurgen", "mu"),
        ("Jürgen Müller", "mu"),
    ],
)
def test_an_expert_is_found_however_the_name_is_written(root, words, who):
    add_people()
    assert found(root, words) == [who]


def test_all_words_must_be_there(root):
    add_people()
    assert found(root, "muller lukasz") == []
    assert len(found(root, "")) == len(PEOPLE)
    assert found(root, "100% _") == []


def test_a_long_run_of_marks_takes_no_time():
    assert folded("e" + "\u0301\u0316" * 10_000) == "e"


def test_the_search_follows_every_way_to_change_an_expert(root):
    expert = Expert.objects.create(username="x", last_name="Ørsted")
    assert found(root, "orsted") == ["x"]
    expert.last_name = "Çelik"
    expert.save(update_fields=["last_name"])
    assert (found(root, "celik"), found(root, "orsted")) == (["x"], [])
    Expert.objects.bulk_update([Expert(pk=expert.pk, job_title="Bäcker")], ["job_title"])
    assert found(root, "celik backer") == ["x"]  # as an import writes: of the other fields it knows nothing
    Expert.objects.bulk_create([Expert(username="y", last_name="Çelik")])
    assert found(root, "celik") == ["x", "y"]


def test_completion_finds_them_too(root):
    add_people()
    where = {"app_label": "indexing", "model_name": "searchtest", "field_name": "expected", "term": "muller"}
    assert [each["text"] for each in root.get("/admin/autocomplete/", where).json()["results"]] == ["Jürgen MÜLLER"]


def test_the_other_lists_are_searched_in_the_same_way(root):
    User.objects.create_user("u", first_name="Jürgen", last_name="MÜLLER")
    Group.objects.create(name="Königinnen")
    Tag.objects.create(name="Überbrückung", kind="domain")
    assert [u.username for u in root.get("/admin/auth/user/?q=muller, jurgen").context["cl"].queryset] == ["u"]
    assert [g.name for g in root.get("/admin/auth/group/?q=KONIGINNEN").context["cl"].queryset] == ["Königinnen"]
    assert [t.name for t in root.get("/admin/experts/tag/?q=uberbruckung").context["cl"].queryset] == ["Überbrückung"]
    assert SearchTest.objects.count() == 0


def test_the_migration_fills_what_was_there_before(root, monkeypatch):
    add_people()
    Expert.objects.update(search_text="")
    migration = import_module("experts.migrations.0015_search_text")
    monkeypatch.setattr(migration, "BATCH", 2)
    migration.fill(apps, connection.schema_editor())
    assert found(root, "zolc") == ["lo"]
    assert not Expert.objects.filter(search_text="").exists()
