"""The import at its limits: the last value that is taken, the first that is not, and what people read then."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from experts.importing import apply, uploads, views
from experts.importing.apply import apply_plan
from experts.importing.cells import shorten
from experts.importing.errors import ImportFailed
from experts.importing.forms import ImportForm
from experts.models import Expert
from tests.support.cast import staff
from tests.support.imports import import_file, plan_of

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/experts/expert/import/"
PREVIEW = f"{UPLOAD}preview/"
APPLY = f"{UPLOAD}apply/"


@pytest.fixture
def importer(client: Client) -> Client:
    client.force_login(staff("experts.import", "experts.view_expert"))
    return client


def post(client: Client, data: str | bytes, **options: str) -> Any:
    content = data.encode() if isinstance(data, str) else data
    return client.post(
        UPLOAD, {"file": SimpleUploadedFile("people.csv", content, "text/csv"), **options}, follow=True
    )


def messages(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("Username", "", "Every expert needs a username."),
        ("Hourly Rate", "-5", "A rate cannot be negative."),
        ("Hourly Rate", "eighty", "Not a number. Use digits only, for example 1250.50."),
        ("Hourly Rate", "100000000", "Too large. It must be below 100000000."),
        ("Hourly Rate", "85.5055", "Too many decimals. Round it to two."),
        ("Currency", "euro", "Not a three-letter ISO currency code such as EUR."),
        ("Bio", "a\0b", "Contains a NUL character. Remove it."),
        ("Company", "c" * 256, "Too long: 256 characters. At most 255 are allowed."),
        ("Bio", "b" * 25_001, "Too long: 25001 characters. At most 25000 are allowed."),
    ],
)
def test_the_sentence_fits_the_problem(column: str, value: str, says: str) -> None:
    columns, cells = (["Username"], [value]) if column == "Username" else (["Username", column], ["ann", value])
    plan = plan_of(f"{','.join(columns)},Category\n{','.join(cells)},Craft\n")
    assert [rejection.fix for rejection in plan.rejected] == [says]


@pytest.mark.parametrize(
    ("column", "value"),
    [("Hourly Rate", "99999999.99"), ("Hourly Rate", "0"), ("Company", "c" * 255), ("Username", "x" * 150)],
)
def test_the_last_value_inside_a_limit_is_taken(column: str, value: str) -> None:
    columns, cells = ("Username", value) if column == "Username" else (f"Username,{column}", f"ann,{value}")
    assert plan_of(f"{columns}\n{cells}\n").rejected == []


def test_who_is_in_the_file_with_a_bad_value_is_not_missing_from_it() -> None:
    import_file("Username,Hourly Rate\nann,1\nben,1\ncid,1\n")
    plan = plan_of("Username,Hourly Rate\nann,eighty\ncid,1\n", sync=True)
    assert [missing.username for missing in plan.deactivated] == ["ben"]


def test_a_file_in_which_every_row_is_bad_has_a_plan_that_names_them() -> None:
    plan = plan_of("Username,Hourly Rate\n,1\n")
    assert (plan.counts.rejected, plan.does_nothing) == (1, True)
    assert plan_of("Username,Hourly Rate\nann,1,2\n").counts.rejected == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 60, "x" * 60),
        ("x" * 61, f"{'x' * 60}… (61 characters)"),
        ("a\0\tb", "a\\x00\\tb"),
        ("", ""),
    ],
)
def test_a_value_in_a_message_has_at_most_sixty_characters(text: str, shown: str) -> None:
    assert shorten(text) == shown


def test_a_wrong_encoding_shows_the_twenty_characters_before_it() -> None:
    data = "Username,Bio\nann,0123456789abcdefghijklmnopqrstuvwxyzé\n".encode("latin-1")
    with pytest.raises(ImportFailed, match="“ghijklmnopqrstuvwxyz” is followed by 0xE9"):
        plan_of(data, encoding="utf-8-sig")


def test_a_quarter_of_nul_characters_are_bad_values_and_more_are_utf_16() -> None:
    assert plan_of(b"Username\nab\n\0\0\0\0").counts.rejected == 1
    with pytest.raises(ImportFailed, match="UTF-16|Username"):
        plan_of(b"Username\nab\n\0\0\0\0\0")


def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(settings: Any) -> None:
    settings.TCS_IMPORT_MAX_MB = 1
    padding = 2**20 - len("Username\nann\n")
    assert len(plan_of("Username\nann\n" + "\n" * padding).new) == 1
    with pytest.raises(ImportFailed, match=r"The file has 1\.0 MB; the limit is 1 MB\."):
        plan_of("Username\nann\n" + "\n" * (padding + 1))


@pytest.mark.parametrize(("more", "valid"), [(0, True), (1, False)])
def test_the_form_takes_a_file_up_to_the_limit(more: int, valid: bool, settings: Any) -> None:
    settings.TCS_IMPORT_MAX_MB = 1
    form = ImportForm({}, {"file": SimpleUploadedFile("people.csv", b"x" * (2**20 + more), "text/csv")})
    assert form.is_valid() is valid
    if not valid:
        assert "larger than 1 MB" in str(form.errors)


def test_an_upload_of_exactly_the_limit_is_not_cut_off(importer: Client, settings: Any) -> None:
    settings.TCS_IMPORT_MAX_MB = 1
    rows = "Username\nann\n"
    page = post(importer, rows + "\n" * (2**20 - len(rows)))
    assert page.redirect_chain == [(PREVIEW, 302)]
    assert page.context["counts"].new == 1


def history() -> int:
    return LogEntry.objects.exclude(object_id=None).count()


@pytest.mark.parametrize(("most", "entries"), [(4, 4), (3, 0)])
def test_each_expert_is_in_the_history_unless_the_import_touches_too_many(
    most: int, entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New, changed and deactivated ones together."""
    monkeypatch.setattr(apply, "MAX_LOGGED_EXPERTS", most)
    import_file("Username,Bio\nann,Sings\nben,Paints\n")
    plan = plan_of("Username,Bio\nann,Dances\ncid,x\ndan,x\n", sync=True)
    apply_plan(plan, user=staff(), file_name="people.csv")
    assert LogEntry.objects.filter(object_id=None).count() == 1
    assert history() == entries
    if entries:
        gone = Expert.objects.get(username="ben")
        assert "active" in LogEntry.objects.get(object_id=str(gone.pk)).get_change_message()


def test_thousands_are_deactivated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "BATCH", 2)
    import_file("Username\n" + "".join(f"u{n}\n" for n in range(5)))
    import_file("Username\nann\n", sync=True)
    assert list(Expert.objects.active().values_list("username", flat=True)) == ["ann"]


@pytest.mark.parametrize(
    ("text", "options", "applicable", "nothing", "stopped"),
    [
        ("Username\nben\n", {}, True, False, False),
        ("Username\nann\n", {}, False, True, False),
        ("Username,Hourly Rate\nben,much\n", {}, False, False, True),
        ("Username,Hourly Rate\nben,much\n", {"skip_bad": "on"}, False, True, False),
        ("Username,Hourly Rate\nben,much\ncid,1\n", {}, False, False, True),
        ("Username,Hourly Rate\nben,much\ncid,1\n", {"skip_bad": "on"}, True, False, False),
    ],
)
def test_the_preview_says_whether_the_file_can_be_imported(
    importer: Client, text: str, options: dict[str, str], applicable: bool, nothing: bool, stopped: bool
) -> None:
    Expert.objects.create(username="ann")
    shown = post(importer, text, **options).context
    found = (shown["applicable"], shown["nothing_to_import"], shown["stopped_by_bad_rows"])
    assert found == (applicable, nothing, stopped)


def test_who_imports_past_the_preview_reads_of_the_bad_rows(importer: Client) -> None:
    page = post(importer, "Username,Hourly Rate\nann,80\nben,much\n")
    answer = importer.post(APPLY, {"digest": page.context["plan"].digest}, follow=True)
    assert messages(answer) == ["1 row has errors, so nothing was imported. Fix the file, or skip bad rows."]


def test_discarding_says_that_nothing_was_imported(importer: Client) -> None:
    post(importer, "Username\nann\n")
    assert messages(importer.post(f"{UPLOAD}discard/", follow=True)) == ["Nothing was imported."]


def test_a_file_that_expires_while_it_is_read_is_explained(importer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def expires(*_arguments: object, **_options: object) -> None:
        raise FileNotFoundError

    page = post(importer, "Username\nann\n")
    monkeypatch.setattr(views, "make_plan", expires)
    answer = importer.get(PREVIEW, follow=True)
    assert page.status_code == answer.status_code == 200
    assert "The uploaded file has expired. Upload it again." in " ".join(messages(answer))


def test_a_discarded_import_is_forgotten_by_the_session(importer: Client) -> None:
    post(importer, "Username\nann\n")
    importer.post(f"{UPLOAD}discard/")
    assert uploads._SESSION_KEY not in importer.session


@pytest.mark.parametrize(
    ("text", "bio"),
    [
        ('"Username" ,"Bio"\t\n"ada" , "Bakes" \n', "Bakes"),
        ('"Username" ;"Bio"\n"ada" ;"Bakes, ""well"" ; daily" \n', 'Bakes, "well" ; daily'),
        ('"Username"\t"Bio" \n"ada" \t"Bakes" \n', "Bakes"),
        ('"Username","Bio","Company"\n"ada","Bakes\nand ""teaches"" , too" ,"x"\n', 'Bakes\nand "teaches" , too'),
    ],
)
def test_spaces_after_a_closing_quote_do_not_count(text: str, bio: str) -> None:
    (expert,) = plan_of(text).new
    assert (expert.username, expert.bio) == ("ada", bio)


def test_text_after_a_closing_quote_is_still_refused() -> None:
    with pytest.raises(ImportFailed, match="line 2"):
        plan_of('Username,Bio\nada,"Bakes" well,x\n')


def test_rows_with_another_delimiter_than_the_header_are_divided_at_that_one() -> None:
    plan = plan_of('People of June\n\nUsername\tBio\nada,Bakes\n\nben,"Likes tea, too\n"\n'.encode("utf-16"))
    assert [(expert.username, expert.bio) for expert in plan.new] == [("ada", "Bakes"), ("ben", "Likes tea, too")]
    assert "The rows have another delimiter" in plan.table.notices()[0]
    assert [row.line for row in plan.table.rows()] == [4, 6]


@pytest.mark.parametrize("rows", ["Berg, Ada\n", "ada\n", "a,b,c\n", "a,b\nada\tx\n"])
def test_a_short_row_does_not_change_the_delimiter(rows: str) -> None:
    header = "Username\tBio\tCity\n" if rows.startswith("Berg") else "Username\tBio\n"
    plan = plan_of(header + rows)
    assert plan.table.notices() == []
    assert plan.new[0].username == rows.splitlines()[0]


def test_quotes_that_are_never_closed_do_not_change_it() -> None:
    with pytest.raises(ImportFailed, match="line 3"):
        plan_of('Username\tBio\na,b\n"c,d\n')
