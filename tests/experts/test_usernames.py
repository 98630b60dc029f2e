"""One rule for usernames: in the database, in the admin, and for directories of earlier releases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from experts.identity import MAX_KEY, clean_username, identity_key
from experts.models import Expert
from tests.support.imports import plan_of

SAME = [
    ("Éric", "éric"),
    ("ren\u00e9", "rene\u0301"),
    ("q\u200bx060\ufeff", "qx060"),
    ("ＡＮＮ", "ann"),  # noqa: RUF001
    ("Straße", "STRASSE"),
    ("ﬁn", "fin"),
    ("ann  bell", " Ann Bell"),
    ("İ", "i\u0307"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_usernames_that_read_the_same_have_the_same_key(one: str, other: str) -> None:
    assert identity_key(one) == identity_key(other) != ""


@pytest.mark.parametrize(("one", "other"), [("ann", "anna"), ("rene", "rené"), ("a-b", "ab"), ("x" * 150, "x" * 149)])
def test_others_have_another_key(one: str, other: str) -> None:
    assert identity_key(one) != identity_key(other)


def test_a_key_is_never_too_long_and_a_name_that_nobody_sees_has_none() -> None:
    long = ["\ufdfa" * 150, "\ufdfa" * 149]
    assert [len(identity_key(each)) for each in long] == [MAX_KEY, MAX_KEY]
    assert identity_key(long[0]) != identity_key(long[1])
    assert identity_key("\u200b\ufeff") == ""
    assert clean_username(" q\u200bx\t1 ") == "qx 1"


def test_a_key_of_the_longest_length_is_the_username_itself() -> None:
    assert identity_key("a" * MAX_KEY) == "a" * MAX_KEY
    assert identity_key("a" * (MAX_KEY + 1)).startswith("aaa")
    assert identity_key("a" * (MAX_KEY + 1)) != identity_key("a" * (MAX_KEY + 2))


@pytest.mark.parametrize(
    ("typed", "stored"), [("Zoe\u0308", "Zoë"), ("a\x00b", "ab"), (" a  b ", "a b"), ("a\tb", "a b"), ("Zoë", "Zoë")]
)
def test_a_username_is_stored_composed_and_without_what_nobody_sees(typed: str, stored: str) -> None:
    assert clean_username(typed) == stored


@pytest.mark.services
@pytest.mark.django_db
@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_database_has_each_username_once(one: str, other: str) -> None:
    Expert.objects.create(username=one)
    with pytest.raises(IntegrityError), transaction.atomic():
        Expert.objects.create(username=other)
    with pytest.raises(IntegrityError), transaction.atomic():
        Expert.objects.bulk_create([Expert(username=other)])


@pytest.mark.django_db
def test_the_admin_refuses_a_username_that_reads_the_same_and_keeps_its_own(admin_client: Client) -> None:
    Expert.objects.create(username="Éric57", last_name="Upper")
    taken = Expert(username="éric57")
    with pytest.raises(ValidationError, match="Éric57"):
        taken.full_clean()
    own = Expert.objects.get()
    own.username = "ÉRIC57"
    own.full_clean()
    own.save()
    assert Expert.objects.get().username_key == "éric57"


@pytest.mark.django_db
@pytest.mark.parametrize(("year", "valid"), [(1899, False), (1900, True), (2200, True), (2201, False), (9999, False)])
def test_years_that_cannot_be_shown_everywhere_are_not_valid(year: int, valid: bool) -> None:
    expert = Expert(username="ann", created_at=datetime(year, 6, 1, tzinfo=UTC))
    if valid:
        expert.full_clean()
        return
    with pytest.raises(ValidationError, match="from 1900 to 2200"):
        expert.full_clean()


def migrate(*targets: tuple[str, str]) -> Any:
    return MigrationExecutor(connection).migrate(list(targets)).apps


@pytest.fixture
def earlier() -> Iterator[Any]:
    yield migrate(("experts", "0006_import_records"))
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_directory_with_conflicts_is_migrated_and_loses_nobody(
    earlier: Any, capsys: pytest.CaptureFixture[str], admin_client: Client
) -> None:
    old = earlier.get_model("experts", "Expert")
    first = old.objects.create(username="ren\u00e9", last_name="First", created_at=datetime(1, 1, 2, tzinfo=UTC))
    second = old.objects.create(
        username="rene\u0301", last_name="Second", created_at=datetime(9999, 12, 30, tzinfo=UTC)
    )
    old.objects.create(username="ann")
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())
    assert "read the same" in capsys.readouterr().out
    assert list(Expert.objects.in_conflict().values_list("pk", flat=True)) == [second.pk]
    years = dict(Expert.objects.values_list("pk", "created_at"))
    assert (years[first.pk].year, years[second.pk].year) == (1900, 2200)
    page = admin_client.get(f"/admin/experts/expert/{second.pk}/change/")
    assert page.status_code == 200
    kept = Expert.objects.get(pk=second.pk)
    kept.bio = "Sings."
    kept.full_clean()
    kept.save()
    assert Expert.objects.in_conflict().count() == 1
    assert "conflict=yes" in admin_client.get("/admin/experts/expert/").content.decode()
    plan = plan_of("Username,Bio\nrené,Dances\nRENÉ,Paints\n")
    assert [change.id for change in plan.changed] == [first.pk]
    assert "Several experts" in plan.conflicts[0].why
    kept.username = "rene-2"
    kept.save()
    assert not Expert.objects.in_conflict().exists()
