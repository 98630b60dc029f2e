"""manage.py import_experts, load_samples and load_tags: output and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.utils import timezone

from experts.models import Expert, ImportRecord, Tag
from experts.tagging.default_tags import DEFAULT_TAGS
from tests.support.cast import staff
from tests.support.imports import FULL, import_file

pytestmark = pytest.mark.django_db

SPEAKERS = Path(__file__).resolve().parents[3] / "shared" / "data" / "speakers.csv"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("Username,Bio,Colour\nann,Sings,red\nben,Paints,blue\n", encoding="utf-8")
    return path


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    """The one JSON object on stdout."""
    return json.loads(capsys.readouterr().out)


def test_it_imports_and_says_how_many(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_experts", file)
    captured = capsys.readouterr()
    assert "2 new, 0 changed, 0 unchanged, 0 missing" in captured.out
    assert "Colour" in captured.err
    assert Expert.objects.count() == 2


def test_the_fields_of_the_columns_can_be_given(file: Path) -> None:
    call_command("import_experts", file, "--columns", "username,,bio")
    assert dict(Expert.objects.values_list("username", "bio")) == {"ann": "red", "ben": "blue"}
    with pytest.raises(CommandError, match="“colour” is not a field"):
        call_command("import_experts", file, "--columns", "username,colour")


def test_a_dry_run_imports_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_experts", file, "--dry-run", "--json")
    report = printed(capsys)
    assert (report["status"], report["new"]) == ("dry run", 2)
    assert not Expert.objects.exists()


def test_json_is_one_object_with_counts_and_unknown_columns(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_experts", file, "--json")
    capsys.readouterr()
    call_command("import_experts", file, "--json")
    report = printed(capsys)
    assert report["status"] == "done"
    assert [report[name] for name in ("new", "changed", "unchanged", "missing", "rejected")] == [0, 0, 2, 0, 0]
    assert report["unknown_columns"] == ["Colour"]


def test_a_bad_row_fails_with_1_and_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("Username,Hourly Rate\nann,80\nben,much\n", encoding="utf-8")
    with pytest.raises(CommandError) as caught:
        call_command("import_experts", file, "--json")
    assert caught.value.returncode == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["status"] == "failed"
    (rejection,) = report["rejections"]
    assert (rejection["line"], rejection["field"], rejection["value"]) == (3, "Hourly Rate", "much")
    assert list(rejection) == ["line", "field", "value", "mend"], "scripts read these keys"
    assert "line 3, Hourly Rate, “much”" in captured.err
    assert not Expert.objects.exists()


def test_a_dry_run_fails_where_the_import_would(file: Path) -> None:
    file.write_text("Username,Hourly Rate\nann,80\nben,much\n", encoding="utf-8")
    with pytest.raises(CommandError):
        call_command("import_experts", file, "--dry-run")
    call_command("import_experts", file, "--dry-run", "--skip-bad")


def test_skip_bad_imports_the_rest(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("Username,Hourly Rate\nann,80\nben,much\n", encoding="utf-8")
    call_command("import_experts", file, "--skip-bad", "--json")
    report = printed(capsys)
    assert (report["status"], report["new"], report["rejected"]) == ("done", 1, 1)
    assert Expert.objects.get().username == "ann"


def test_sync_deactivates_the_missing(file: Path) -> None:
    Expert.objects.create(username="cid")
    call_command("import_experts", file, "--sync", "--deactivate", "1")
    assert not Expert.objects.get(username="cid").is_active


@pytest.mark.parametrize("stated", [[], ["--deactivate", "2"]])
def test_hiding_a_large_part_of_the_directory_needs_the_number(file: Path, stated: list[str]) -> None:
    Expert.objects.create(username="cid")
    for more in ([], ["--dry-run"]):
        with pytest.raises(CommandError, match="would deactivate 1 of 1 active experts"):
            call_command("import_experts", file, "--sync", *stated, *more)
    assert list(Expert.objects.values_list("username", "is_active")) == [("cid", True)]


def test_a_share_that_the_gate_would_accept_needs_no_number(file: Path) -> None:
    Expert.objects.bulk_create(Expert(username=f"u{number}") for number in range(9))
    file.write_text("Username\n" + "".join(f"u{number}\n" for number in range(9)))
    Expert.objects.create(username="gone")
    call_command("import_experts", file, "--sync")
    assert Expert.objects.active().count() == 9


def test_an_import_is_listed_and_undone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_experts", file)
    capsys.readouterr()
    call_command("undo_import", "--json")
    (listed,) = printed(capsys)["imports"]
    assert (listed["file_name"], listed["new"]) == ("people.csv", 2)
    number = str(listed["id"])
    call_command("undo_import", number, "--dry-run", "--json")
    assert (printed(capsys)["deleted"], Expert.objects.count()) == (2, 2)
    call_command("undo_import", number, "--user", staff().username, "--json")
    assert printed(capsys) == {
        "status": "done",
        "deleted": 2,
        "restored": 0,
        "activated": 0,
        "gone": 0,
        "left_alone": [],
        "conflicts": [],
    }
    assert not Expert.objects.exists()
    assert ImportRecord.objects.get().undone_name == "sam"
    with pytest.raises(CommandError, match="undone already"):
        call_command("undo_import", number)
    with pytest.raises(CommandError, match="No import has the number"):
        call_command("undo_import", "999999")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("out.csv", []),
        ("out.csv", ["--delimiter", "tab", "--encoding", "utf-16-le"]),
        ("out.csv", ["--delimiter", ";", "--encoding", "cp1252"]),
        ("out.xlsx", []),
    ],
)
def test_what_is_exported_is_unchanged_when_it_is_imported_again(
    name: str, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_file(FULL.replace("Å", "A"))
    Expert.objects.create(username="=ann", bio="+1\ntwo", hourly_rate="1234.5", created_at=timezone.now())
    call_command("export_experts", tmp_path / name, *options, "--json")
    assert printed(capsys)["experts"] == 2
    assert [each.name for each in tmp_path.iterdir()] == [name]
    call_command("import_experts", tmp_path / name, "--json")
    report = printed(capsys)
    assert (report["unchanged"], report["rejected"]) == (2, 0)


def test_a_letter_outside_the_encoding_is_named_and_leaves_no_file(tmp_path: Path) -> None:
    Expert.objects.create(username="ann", first_name="Łucja")
    with pytest.raises(CommandError, match="“Ł” cannot be written in cp1252"):
        call_command("export_experts", tmp_path / "out.csv", "--encoding", "cp1252")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"Colour\nred\n", b"%PDF-1.7"])
def test_a_file_that_cannot_be_read_fails_with_1(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        call_command("import_experts", path, "--json")
    assert caught.value.returncode == 1
    report = printed(capsys)
    assert report["status"] == "failed"
    assert report["error"] == str(caught.value)


def test_a_user_who_does_not_exist_is_a_usage_error(file: Path) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("import_experts", file, "--user", "nobody")
    assert caught.value.returncode == 2


def test_with_a_user_the_import_is_in_the_history(file: Path) -> None:
    user = staff()
    call_command("import_experts", file, "--user", user.username)
    summary = LogEntry.objects.get(object_id=None)
    assert summary.user == user
    assert "people.csv" in summary.object_repr
    assert LogEntry.objects.exclude(object_id=None).count() == 2


def test_a_large_import_leaves_only_the_summary_in_the_history(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("Username\n" + "".join(f"u{number}\n" for number in range(1_001)))
    call_command("import_experts", path, "--user", staff().username)
    assert "1001 new" in LogEntry.objects.get().object_repr


def test_samples_are_loaded_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_samples", "--count", "30")
    capsys.readouterr()
    call_command("load_samples", "--count", "40", "--json")
    assert printed(capsys) == {"created": 10, "present": 30}
    assert Expert.objects.count() == 40


@pytest.mark.parametrize("count", ["0", "-1", "x", "9" * 5_000])
def test_the_number_of_samples_is_a_whole_number_above_zero(count: str) -> None:
    with pytest.raises(CommandError, match="is not a whole number above 0"):
        call_command("load_samples", f"--count={count}")


def test_missing_default_tags_are_loaded_and_edited_ones_stay(capsys: pytest.CaptureFixture[str]) -> None:
    Tag.objects.all().delete()
    kind, name, _description = DEFAULT_TAGS[0]
    Tag.objects.create(kind=kind, name=name, description="Ours", is_active=False)
    call_command("load_tags", "--json")
    assert printed(capsys) == {"created": len(DEFAULT_TAGS) - 1, "present": 1}
    assert Tag.objects.get(name=name).description == "Ours"
    assert Tag.objects.count() == len(DEFAULT_TAGS)


@pytest.mark.skipif(not SPEAKERS.exists(), reason=f"{SPEAKERS} is not here")
def test_ten_thousand_real_people_are_imported_and_unchanged_the_second_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("import_experts", SPEAKERS, "--json")
    assert printed(capsys)["new"] == 10_501
    call_command("import_experts", SPEAKERS, "--json")
    report = printed(capsys)
    assert (report["unchanged"], report["changed"], report["rejected"]) == (10_501, 0, 0)
