"""Undoing an import: what comes back, and what is left alone because somebody changed it since."""

from __future__ import annotations

import csv
import io
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from experts.attachments import photos
from experts.importing import apply, records, undo
from experts.importing.apply import apply_plan
from experts.importing.columns import COLUMNS
from experts.importing.errors import ImportFailed
from experts.models import Expert, ExpertTag, ImportRecord, Tag
from experts.shortlists import changes as shortlists
from indexing.models import SearchTest
from tests.support.cast import staff
from tests.support.html_reading import html
from tests.support.imports import FULL, import_file, plan_of

pytestmark = pytest.mark.django_db
VALUES = [field.name for field in Expert._meta.fields if field.name not in ("id", "updated_at")]
WRITTEN = [*(name for name in COLUMNS.values() if name != "username"), "search_text"]


@pytest.fixture
def carol() -> User:
    return staff("experts.import", "experts.view_expert", username="carol")


def everybody() -> list[dict[str, object]]:
    return list(Expert.objects.order_by("pk").values(*VALUES))


def last() -> ImportRecord:
    return ImportRecord.objects.all()[0]


def left_alone(plan: undo.UndoPlan) -> dict[str, str]:
    return {each.username: each.why for each in plan.left_alone}


def directory() -> list[dict[str, object]]:
    import_file(FULL + "ann,Ann,Archer,Baker,,Bakes.,20.10,EUR,,,\nben,Ben,Bell,Welder,,Welds.,,,,,\n")
    Expert.objects.filter(username="ben").deactivate()
    return everybody()


FULL_ROW = [
    *("Ada", "Berg", "Baker", "Mill", "Bakes,\nrye", "95.50", "EUR", "https://a.example", "https://a.example/1"),
    *("Craft", "a@a.example", "020 123", "Utrecht", "NL", "nl, en", "Mondays", "2026-12-01", "https://b.example"),
    "2024-05-31",
]
OTHER_ROW = [
    *("Eda", "Burg", "Cook", "Inn", "Cooks", "5", "USD", "https://c.example", "https://c.example/1"),
    *("Food", "c@c.example", "030 123", "Ghent", "BE", "fr", "", "", "", "2000-01-01"),
]


@pytest.mark.services
def test_each_field_of_each_person_comes_back() -> None:
    def rows(*values: list[str]) -> str:
        text = io.StringIO()
        csv.writer(text).writerows([COLUMNS, *([f"u{number}", *each] for number, each in enumerate(values))])
        return text.getvalue()

    import_file(rows(FULL_ROW, OTHER_ROW, FULL_ROW))
    before = everybody()
    plan = import_file(rows(OTHER_ROW, FULL_ROW, [""] * 18 + ["2000-01-01"]))
    assert [len(change.fields) for change in plan.changed] == [len(COLUMNS) - 1] * 3
    assert all(one[name] != two[name] for one, two in zip(before, everybody(), strict=True) for name in WRITTEN)
    undo.undo(last().pk, None)
    assert everybody() == before


@pytest.mark.services
def test_whoever_is_gone_does_not_count_as_written() -> None:
    people = Expert.objects.bulk_create([Expert(username=f"u{number}") for number in range(3)])
    people[1].delete()
    assert Expert.objects.bulk_update([Expert(pk=pk, city="Ghent") for pk in (people[0].pk, 10**9)], ["city"]) == 1
    assert sorted(Expert.objects.values_list("username", "city")) == [("u0", "Ghent"), ("u2", "")]
    assert Expert.objects.bulk_update([], ["city"]) == 0


def test_everything_is_as_it_was_before(carol: User) -> None:
    before = directory()
    import_file(
        "Username,Bio,Hourly Rate,Created At\nann,Sings.,,2020-02-02\nben,Paints.,5,\nnew,New.,,\n", sync=True
    )
    assert Expert.objects.active().count() == 3
    assert not Expert.objects.get(username="zoë").is_active
    done = undo.undo(last().pk, carol)
    assert everybody() == before
    assert (len(done.delete), len(done.restore), len(done.activate), done.left_alone) == (1, 2, 1, [])
    assert Expert.objects.get(username="ann").hourly_rate == Decimal("20.10")
    assert last().undone_name == "carol"


def test_every_value_of_many_comes_back(carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (apply, undo):
        monkeypatch.setattr(module, "BATCH", 7)
    columns = "Username,Bio,Hourly Rate,Currency,City,Country,Languages,Available From,Email,Created At\n"
    rows = "p{0},Bakes {0}.,{0}.50,EUR,Gent {0},BE,nl,2026-12-01,p{0}@old.example,2024-05-31 9:0{1}:00\n"
    import_file(columns + "".join(rows.format(number, number % 10) for number in range(40)))
    before = everybody()
    other = "p{0},Sings {0}.,,,Delft,NL,en fr,,p{0}@new.example,2025-01-01\n"
    import_file(columns + "".join(other.format(number) for number in range(5, 60)), sync=True)
    assert Expert.objects.active().count() == 55
    done = undo.undo(last().pk, carol)
    assert (len(done.delete), len(done.restore), len(done.activate)) == (20, 35, 5)
    assert everybody() == before


def test_drift_notices_it(carol: User) -> None:
    import_file(FULL)
    Expert.objects.update(updated_at=datetime(2020, 1, 1, tzinfo=UTC))
    import_file("Username,Bio\nzoë,Sings.\n")
    undo.undo(last().pk, carol)
    assert Expert.objects.get().updated_at.year > 2020


def test_only_the_fields_that_were_changed_since_stay_and_both_values_are_listed(client: Client, carol: User) -> None:
    directory()
    rows = "ann,Sings.,Choir,5,2020-02-02,ann@new.example\nben,Paints.,Studio,7,2020-02-02,ben@new.example\n"
    import_file("Username,Bio,Company,Hourly Rate,Created At,Email\n" + rows)
    ann = Expert.objects.get(username="ann")
    ann.bio, ann.hourly_rate, ann.company, ann.email = "By hand.", Decimal("6"), "", "ann@hand.example"
    ann.save()  # the company is again what it was before
    client.force_login(carol)
    page = html(client.get(f"/admin/experts/expert/import/{last().pk}/undo/"))
    for shown in ("<td>bio</td> <td>By hand.</td> <td>Bakes.</td>", '<td>e-mail</td> <td colspan="2">hidden</td>'):
        assert shown in page
    done = undo.undo(last().pk, carol)
    assert [(each.field, each.now, each.before) for each in done.conflicts] == [
        ("bio", "By hand.", "Bakes."),
        ("hourly_rate", Decimal("6.00"), Decimal("20.10")),
        ("email", "ann@hand.example", ""),
    ]
    assert (len(done.restore), done.left_alone) == (2, [])
    ann, ben = Expert.objects.get(username="ann"), Expert.objects.get(username="ben")
    assert (ann.bio, ann.hourly_rate, ann.company, ann.email) == ("By hand.", 6, "", "ann@hand.example")
    assert ann.created_at.year > 2020
    assert (ben.bio, ben.company, ben.hourly_rate, ben.email) == ("Welds.", "", None, "")


def test_a_record_of_an_earlier_release_leaves_who_was_changed_since_alone(carol: User) -> None:
    directory()
    import_file("Username,Bio\nann,Sings.\nben,Paints.\n")
    record = last()
    record.changes = replace(records.Changes.unpacked(record.changes), after={}).packed()
    record.save()
    Expert.objects.get(username="ann").save()
    assert left_alone(undo.undo(record.pk, carol)) == {"ann": "was changed since"}
    assert [Expert.objects.get(username=name).bio for name in ("ann", "ben")] == ["Sings.", "Welds."]


def test_what_earlier_releases_stored_is_read() -> None:
    changes = records.Changes.unpacked(zlib.compress(b'[7]\n[5]\n[3, {"bio": "x"}]\n'))
    assert changes == records.Changes([7], {3: {"bio": "x"}}, [5])


def test_who_was_changed_since_is_left_alone_and_named(carol: User) -> None:
    directory()
    import_file("Username,Bio\nben,Paints.\nnew,New.\nnewer,Newer.\n", sync=True)
    for username in ("ann", "new"):
        expert = Expert.objects.get(username=username)
        expert.company = "By hand"
        expert.save()
    done = undo.undo(last().pk, carol)
    assert left_alone(done) == {"new": "was changed since"}
    assert Expert.objects.get(username="ben").bio == "Welds."
    ann = Expert.objects.get(username="ann")
    assert (ann.company, ann.is_active) == ("By hand", True)
    assert not Expert.objects.filter(username="newer").exists()
    assert Expert.objects.get(username="new").company == "By hand"


def test_a_new_expert_in_use_is_not_deleted(carol: User) -> None:
    import_file("Username,Bio\nann,Sings.\nben,Paints.\ncem,Runs.\ndora,Dives.\n")
    ann, ben, cem = (Expert.objects.get(username=name) for name in ("ann", "ben", "cem"))
    tag = Tag.objects.create(name="Voice", kind="domain", description="Sings.")
    ExpertTag.objects.create(expert=ann, tag=tag, source=ExpertTag.Source.MANUAL)
    ExpertTag.objects.create(expert=cem, tag=tag, source=ExpertTag.Source.AUTO)
    SearchTest.objects.create(text="paint").expected.add(ben)
    shortlists.star(carol, Expert.objects.get(username="dora"))
    assert set(left_alone(undo.undo(last().pk, carol))) == {"ann", "ben", "dora"}
    assert set(Expert.objects.values_list("username", flat=True)) == {"ann", "ben", "dora"}


def test_who_was_deleted_since_does_not_come_back(carol: User) -> None:
    directory()
    import_file("Username,Bio\nann,Sings.\nnew,New.\n")
    Expert.objects.filter(username__in=("ann", "new")).delete()
    plan = undo.undo(last().pk, carol)
    assert (plan.gone, plan.delete, plan.restore) == (2, [], {})


def test_a_later_import_of_the_same_experts_counts_as_a_change(carol: User) -> None:
    import_file("Username,Bio\nann,Sings.\n")
    first = last()
    import_file("Username,Bio\nann,Dances.\n")
    assert left_alone(undo.undo(first.pk, carol)) == {"ann": "was changed since"}
    undo.undo(last().pk, carol)
    assert Expert.objects.get().bio == "Sings."


def test_imports_are_undone_one_after_the_other(carol: User) -> None:
    import_file(FULL + "ann,Ann,Archer,Baker,,Bakes.,20.1,EUR,,,\nben,Ben,Bell,Welder,,Welds.,,,,,\n")
    import_file("Username,Bio,Hourly Rate\nann,Sings.,\nben,,7\n", sync=True)
    for _import in range(2):
        assert undo.undo(ImportRecord.objects.filter(undone_at=None)[0].pk, carol).left_alone == []
    assert not Expert.objects.exists()


def test_a_fetched_photo_is_left_out_of_account_and_an_uploaded_one_is_an_edit(
    carol: User, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    import_file("Username,Profile Image Url\nann,https://x.example/a.jpg\nben,https://x.example/b.jpg\ncem,\n")
    ann, ben, cem = (Expert.objects.get(username=name) for name in ("ann", "ben", "cem"))
    photos.set_photo(ann, b"x", fetched_from=ann.photo_url)
    photos.set_photo(ben, b"x")
    cem.city = "Ghent"
    cem.save()
    assert left_alone(undo.undo(last().pk, carol)) == {"ben": "was changed since", "cem": "was changed since"}
    assert not Expert.objects.filter(username="ann").exists()


def test_an_import_is_undone_once(carol: User) -> None:
    import_file("Username,Bio\nann,Sings.\n")
    undo.undo(last().pk, carol)
    with pytest.raises(ImportFailed, match="undone already"):
        undo.undo(last().pk, carol)


def test_an_undoing_that_fails_halfway_undoes_nothing(carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    directory()
    import_file("Username,Bio\nann,Sings.\n", sync=True)
    after = everybody()
    monkeypatch.setattr(undo, "log_summary", lambda *_, **_values: pytest.fail("The database went away."))
    with pytest.raises(pytest.fail.Exception):
        undo.undo(last().pk, carol)
    assert everybody() == after
    assert last().undone_at is None


def test_only_the_last_imports_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "KEPT_IMPORTS", 2)
    for bio in ("Sings.", "Dances.", "Paints."):
        import_file(f"Username,Bio\nann,{bio}\n")
    assert [record.new for record in ImportRecord.objects.all()] == [0, 0]


def test_odd_text_survives_being_stored(carol: User) -> None:
    Expert.objects.create(username="ann", bio='A\nB\u2028C\u0085“ÅÄ”\\"')
    import_file("Username,Bio\nann,Sings.\n")
    undo.undo(last().pk, carol)
    assert Expert.objects.get().bio == 'A\nB\u2028C\u0085“ÅÄ”\\"'


def test_the_page_says_what_would_happen_then_does_it_and_it_is_in_the_history(client: Client, carol: User) -> None:
    directory()
    apply_plan(plan_of("Username,Bio\nben,Paints.\n", sync=True), user=carol, file_name="half.csv")
    changed = Expert.objects.get(username="ann")
    changed.save()
    client.force_login(carol)
    assert f'href="/admin/experts/expert/import/{last().pk}/undo/"' in html(
        client.get("/admin/experts/expert/import/")
    )
    path = f"/admin/experts/expert/import/{last().pk}/undo/"
    page = html(client.get(path))
    assert 'data-count="activate">2<' in page
    assert 'data-count="restore">1<' in page
    assert not Expert.objects.get(username="zoë").is_active
    answer = html(client.post(path, follow=True))
    assert "The import of half.csv was undone: 0 deleted, 1 restored, 2 activated." in answer
    assert Expert.objects.get(username="zoë").is_active
    summary = LogEntry.objects.filter(object_repr__startswith="Undid the import of half.csv").get()
    assert summary.user == carol
    assert LogEntry.objects.filter(object_id=str(Expert.objects.get(username="zoë").pk), user=carol).exists()
    assert "undone already" in html(client.post(path, follow=True))


def test_without_the_permission_to_import_nothing_is_undone(client: Client) -> None:
    import_file("Username,Bio\nann,Sings.\n")
    client.force_login(staff("experts.change_expert", "experts.view_expert"))
    path = f"/admin/experts/expert/import/{last().pk}/undo/"
    assert client.get(path).status_code == 403
    assert client.post(path).status_code == 403
    assert Expert.objects.exists()


def test_all_that_an_import_writes_has_the_time_of_its_record() -> None:
    directory()
    import_file("Username,Bio\nann,Bakes more.\nben,\nnew-1,x\nnew-2,y\nnew-3,z\n")
    times = set(Expert.objects.exclude(username="zoë").values_list("updated_at", flat=True))
    assert times == {last().at}


@pytest.mark.parametrize(
    ("plan", "nothing"),
    [
        (undo.UndoPlan(), True),
        (undo.UndoPlan(gone=1), True),
        (undo.UndoPlan(delete=[1]), False),
        (undo.UndoPlan(restore={1: {}}), False),
        (undo.UndoPlan(activate=[1]), False),
    ],
)
def test_a_plan_says_whether_it_does_nothing(plan: undo.UndoPlan, nothing: bool) -> None:
    assert plan.does_nothing is nothing


@pytest.mark.parametrize(("most", "entries"), [(2, 2), (1, 0)])
def test_each_expert_is_in_the_history_unless_undoing_touches_too_many(
    carol: User, monkeypatch: pytest.MonkeyPatch, most: int, entries: int
) -> None:
    directory()
    experts = [str(pk) for pk in Expert.objects.filter(username__in=("ann", "zoë")).values_list("pk", flat=True)]
    import_file("Username,Bio\nann,Bakes more.\n", sync=True)  # which deactivates zoë
    monkeypatch.setattr(undo, "MAX_LOGGED_EXPERTS", most)
    before = LogEntry.objects.filter(object_id__in=experts).count()
    undo.undo(last().pk, carol)
    assert LogEntry.objects.filter(object_id__in=experts).count() - before == entries
