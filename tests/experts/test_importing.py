"""Importing a file of experts: what is compared and written."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from experts.exporting import write_csv
from experts.importing.apply import apply_plan
from experts.importing.columns import COLUMNS
from experts.importing.errors import ImportFailed, RowsRejected
from experts.importing.plan import ImportPlan
from experts.models import Expert, expert_queries
from tests.support.imports import FULL, import_file, plan_of, problems

pytestmark = pytest.mark.django_db


def counts(plan: ImportPlan) -> tuple[int, int, int, int, int]:
    of = plan.counts
    return of.new, of.changed, of.unchanged, of.missing, of.rejected


def test_every_column_reaches_its_field() -> None:
    import_file(FULL)
    expert = Expert.objects.get()
    assert (expert.username, expert.first_name, expert.last_name) == ("zoë", "Zoë", "Ångström")
    assert (expert.job_title, expert.company) == ("Planner", "Öresund Lines")
    assert expert.bio == "Plans ships,\nand trains"
    assert (expert.hourly_rate, expert.currency) == (Decimal("95.50"), "EUR")
    assert (expert.profile_url, expert.photo_url) == ("https://example.com/zoe", "https://example.com/zoe.jpg")
    assert expert.created_at == datetime(2024, 5, 31, tzinfo=UTC)
    assert expert.is_active


@pytest.mark.services
def test_new_experts_are_stored_as_django_would_store_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def people(*usernames: str) -> list[Expert]:
        values = {"hourly_rate": Decimal("95.5"), "available_from": date(2026, 12, 1), "languages": "nl en"}
        return [Expert(username=each, first_name="Zoë", bio="Sings,\nrye", **values) for each in usernames]

    def stored(*usernames: str) -> list[dict[str, object]]:
        left_out = {"id", "username", "username_key", "search_text", "created_at", "updated_at"}
        rows = Expert.objects.filter(username__in=usernames).order_by("pk").values()
        return [{name: value for name, value in row.items() if name not in left_out} for row in rows]

    monkeypatch.setattr(expert_queries, "_AT_A_TIME", 2)
    ours = people("a", "B", "ç")
    Expert.objects.insert(ours)
    Expert.objects.bulk_create(people("d", "E", "f"))
    assert stored("a", "B", "ç") == stored("d", "E", "f")
    read = Expert.objects.in_bulk([each.pk for each in ours])
    for each in ours:
        assert not each._state.adding
        for field in Expert._meta.concrete_fields:
            assert getattr(read[each.pk], field.attname) == getattr(each, field.attname), field
    assert ours[1].search_text.split() == ["b", "zoe", "sings", "rye"]
    with pytest.raises(IntegrityError):
        Expert.objects.insert(people("new", "A"))
    assert not Expert.objects.filter(username="new").exists()


def test_importing_the_same_file_again_changes_nothing() -> None:
    import_file(FULL)
    before = Expert.objects.get().updated_at
    again = import_file(FULL)
    assert counts(again) == (0, 0, 1, 0, 0)
    assert again.does_nothing
    assert Expert.objects.get().updated_at == before


@pytest.mark.parametrize(
    "text", ["\ufeffUsername,Bio\nann,Sings\n", "Username;Bio\r\nann;Sings\r\n", "Username\tBio\nann\tSings"]
)
def test_a_byte_order_mark_other_delimiters_and_line_ends_are_understood(text: str) -> None:
    import_file(text)
    assert Expert.objects.get().bio == "Sings"


def test_a_missing_column_leaves_its_field_unchanged() -> None:
    import_file(FULL)
    plan = import_file("Username,Company\nzoë,Other Lines\n")
    expert = Expert.objects.get()
    assert expert.company == "Other Lines"
    assert expert.bio == "Plans ships,\nand trains"
    assert plan.changed[0].fields == {"company": ("Öresund Lines", "Other Lines")}


def test_an_empty_cell_empties_its_field_but_not_the_date() -> None:
    import_file(FULL)
    plan = import_file("Username,Bio,Hourly Rate,Created At\nzoë,,,\n")
    expert = Expert.objects.get()
    assert (expert.bio, expert.hourly_rate) == ("", None)
    assert expert.created_at == datetime(2024, 5, 31, tzinfo=UTC)
    assert set(plan.changed[0].fields) == {"bio", "hourly_rate"}


def test_only_changed_experts_get_a_new_updated_at() -> None:
    import_file("Username,Bio\nann,Sings\nben,Paints\n")
    old = datetime(2020, 1, 1, tzinfo=UTC)
    Expert.objects.update(updated_at=old)
    import_file("Username,Bio\nann,Dances\nben,Paints\n")
    assert Expert.objects.get(username="ann").updated_at > old
    assert Expert.objects.get(username="ben").updated_at == old


def test_usernames_in_another_case_are_the_same_if_the_names_agree_and_keep_the_directorys_spelling() -> None:
    import_file("Username,First Name,Bio\nÉmile,Emile,Sings\n")
    plan = import_file("Username,First Name,Bio\néMILE,EMILE,Dances\n")
    assert counts(plan) == (0, 1, 0, 0, 0)
    assert list(Expert.objects.values_list("username", "bio")) == [("Émile", "Dances")]


@pytest.mark.parametrize(
    ("choice", "bios"),
    [
        ("", {"Émile": "Sings"}),
        ("refuse", {"Émile": "Sings"}),
        ("skip", {"Émile": "Sings"}),
        ("same", {"Émile": "Dances"}),
        ("suffix", {"Émile": "Sings", "éMILE-2": "Dances"}),
    ],
)
def test_a_username_that_only_reads_the_same_is_a_conflict_with_a_choice(choice: str, bios: dict[str, str]) -> None:
    import_file("Username,Bio\nÉmile,Sings\n")
    plan = import_file("Username,Bio\néMILE,Dances\n", same_names=choice, skip_bad=True)
    assert dict(Expert.objects.values_list("username", "bio")) == bios
    assert [each.other for each in plan.conflicts] == ["Émile"]
    assert plan.counts.rejected == (choice in ("", "refuse"))
    assert plan.counts.skipped == (choice == "skip")
    assert plan.missing == [] or choice == "suffix"


def test_a_second_row_with_a_username_is_rejected_and_names_the_first() -> None:
    plan = plan_of("Username,Bio\nann,Sings\nANN,Dances\n")
    assert problems(plan) == [(3, "Username", "ANN")]
    assert "Line 2" in plan.rejected[0].fix


def test_one_bad_row_stops_the_import() -> None:
    plan = plan_of("Username,Hourly Rate\nann,80\nben,much\n")
    with pytest.raises(RowsRejected, match="1 row"):
        apply_plan(plan)
    assert not Expert.objects.exists()


def test_skipping_bad_rows_imports_the_others() -> None:
    import_file("Username,Hourly Rate\nann,80\nben,much\n", skip_bad=True)
    assert [expert.username for expert in Expert.objects.all()] == ["ann"]


def test_a_failure_in_the_middle_imports_nothing() -> None:
    import_file("Username,Bio\nann,Sings\n")
    plan = plan_of("Username,Bio\nann,Dances\nben,Paints\n")
    Expert.objects.filter(username="ann").delete()
    with pytest.raises(ImportFailed, match="changed while"):
        apply_plan(plan)
    assert not Expert.objects.exists()


def test_if_a_username_was_taken_meanwhile_nothing_is_imported() -> None:
    plan = plan_of("Username,Bio\nann,Sings\nben,Paints\n")
    Expert.objects.create(username="BEN", bio="Was first")
    with pytest.raises(ImportFailed, match="changed while"):
        apply_plan(plan)
    assert Expert.objects.get().bio == "Was first"


def test_an_edit_made_meanwhile_in_another_field_stays() -> None:
    import_file("Username,Bio,Company\nann,Sings,Choir\n")
    plan = plan_of("Username,Bio,Company\nann,Dances,Choir\n")
    Expert.objects.update(company="Ballet")
    apply_plan(plan)
    assert list(Expert.objects.values_list("bio", "company")) == [("Dances", "Ballet")]


def test_without_sync_nobody_is_activated_or_deactivated() -> None:
    import_file("Username\nann\nben\ncid\ndan\n")
    Expert.objects.filter(username="ben").deactivate()
    plan = import_file("Username\nben\ncid\ndan\n")
    assert counts(plan) == (0, 0, 3, 1, 0)
    assert plan.hidden == 1
    assert set(Expert.objects.active().values_list("username", flat=True)) == {"ann", "cid", "dan"}


def test_sync_makes_the_file_the_full_list() -> None:
    import_file("Username\nann\nben\ncid\n")
    Expert.objects.filter(username="ben").deactivate()
    plan = import_file("Username\nben\ncid\n", sync=True)
    assert counts(plan) == (0, 1, 1, 1, 0)
    assert plan.changed[0].fields == {"is_active": (False, True)}
    assert set(Expert.objects.active().values_list("username", flat=True)) == {"ben", "cid"}


@pytest.mark.parametrize("row", ["ann,much", "ANN", "ann,1,2"])
def test_sync_does_not_deactivate_an_expert_whose_row_was_rejected(row: str) -> None:
    import_file("Username\nann\nben\n")
    plan = import_file(f"Username,Hourly Rate\n{row}\nben,1\n", sync=True, skip_bad=True)
    assert plan.missing == []
    assert Expert.objects.active().count() == 2


def test_an_expert_without_a_date_in_the_file_is_created_now() -> None:
    before = timezone.now()
    import_file("Username,Created At\nann,\n")
    assert Expert.objects.get().created_at >= before


def test_the_digest_changes_with_the_plan() -> None:
    first = plan_of("Username,Bio\nann,Sings\n").digest
    assert plan_of("Username,Bio\nann,Sings\n").digest == first
    assert plan_of("Username,Bio\nann,Dances\n").digest != first
    Expert.objects.create(username="ben")
    assert plan_of("Username,Bio\nann,Sings\n").digest != first


def test_importing_an_export_changes_nothing() -> None:
    import_file(FULL)
    Expert.objects.create(username="=cmd", bio='"quoted", and\nbroken', company="'=1", first_name="-x", category="+C")
    file = io.StringIO()
    write_csv(Expert.objects.all(), file)
    assert file.getvalue().splitlines()[0] == ",".join(COLUMNS)
    assert "'=cmd" in file.getvalue()
    assert counts(plan_of(file.getvalue())) == (0, 0, 2, 0, 0)


def test_thousands_of_different_changes_are_all_written() -> None:
    import_file("Username,Bio,Company\n" + "".join(f"u{n},b{n},c{n}\n" for n in range(2_500)))
    text = "Username,Bio,Company\n" + "".join(
        f"u{n},{'B' if n % 2 else 'b'}{n},{'C' if n % 3 else 'c'}{n}\n" for n in range(2_500)
    )
    plan = import_file(text)
    assert plan.counts.unchanged == len([n for n in range(2_500) if not n % 2 and not n % 3])
    assert counts(plan_of(text)) == (0, 0, 2_500, 0, 0)
