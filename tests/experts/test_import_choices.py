"""How a file is read: shown in the preview, and changed there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from experts.importing import views
from experts.models import Expert
from tests.support.cast import staff
from tests.support.spreadsheets import excel

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/experts/expert/import/"
PREVIEW = f"{UPLOAD}preview/"
CHOOSE = f"{UPLOAD}choose/"
APPLY = f"{UPLOAD}apply/"


@pytest.fixture
def importer(client: Client) -> Client:
    client.force_login(staff("experts.import", "experts.view_expert"))
    return client


def post(client: Client, text: str | bytes) -> Any:
    data = text.encode() if isinstance(text, str) else text
    return client.post(UPLOAD, {"file": SimpleUploadedFile("people.csv", data, "text/csv")}, follow=True)


def choose(client: Client, page: Any, **choices: str) -> Any:
    """Send the form as the page shows it, with these choices."""
    form = page.context["reading"]
    shown = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in shown.items() if value not in (None, False)}
    return client.post(CHOOSE, sent | choices, follow=True)


def apply(client: Client, page: Any) -> Any:
    return client.post(APPLY, {"digest": page.context["plan"].digest}, follow=True)


def usernames(page: Any) -> list[str]:
    return [each.username for each in page.context["plan"].new]


def test_the_decimal_mark_is_asked_and_then_used(importer: Client) -> None:
    page = post(importer, "Username;Hourly Rate\nann;1.250\n")
    assert "can be read in two ways" in page.content.decode()
    assert 'name="digest"' not in page.content.decode()
    assert "Say which decimal mark" in str(list(apply(importer, page).context["messages"])[0])
    page = choose(importer, page, decimal=",")
    apply(importer, page)
    assert Expert.objects.get().hourly_rate == Decimal(1250)


def test_the_guess_of_the_encoding_is_shown_and_changed(importer: Client) -> None:
    page = post(importer, "Username,First Name\nann,Łódź\n".encode("cp1250"))
    assert page.context["reading"]["encoding"].value() in ("cp1250", "cp1252")
    assert "The file is read as Windows-125" in page.content.decode()
    for encoding, name in (("cp1252", "£ódŸ"), ("cp1250", "Łódź")):
        page = choose(importer, page, encoding=encoding)
        assert page.context["plan"].new[0].first_name == name


def test_a_choice_that_does_not_fit_the_file_is_taken_back(importer: Client) -> None:
    page = post(importer, "Username,First Name\nann,Zoë\n".encode("cp1252"))
    page = choose(importer, page, encoding="utf-8-sig")
    assert "not in UTF-8" in str(list(page.context["messages"])[0])
    assert usernames(page) == ["ann"]
    assert list(importer.get(PREVIEW).context["messages"]) == []


def test_a_choice_that_is_none_changes_nothing_and_says_so(importer: Client) -> None:
    page = choose(importer, post(importer, "Username,First Name\nann,Zoë\n"), encoding="ebcdic")
    assert [str(each) for each in page.context["messages"]] == ["Nothing was changed: check what you chose."]
    assert usernames(page) == ["ann"]


def test_a_file_that_expires_before_a_choice_is_explained(importer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def expires(*_arguments: object, **_options: object) -> None:
        raise FileNotFoundError

    page = post(importer, "Username\nann\n")
    monkeypatch.setattr(views, "open_table", expires)
    page = choose(importer, page, encoding="cp850")
    assert "The uploaded file has expired" in str(list(page.context["messages"])[0])


def test_a_column_can_fill_another_field_and_the_next_file_like_it_does_the_same(importer: Client) -> None:
    text = "Username,Notes,Job Title\nann,Sings,Baker\n"
    page = post(importer, text)
    assert page.context["plan"].unknown_columns == ("Notes",)
    page = choose(importer, page, **{"column-1": "bio", "column-2": ""})
    apply(importer, page)
    assert Expert.objects.values_list("bio", "job_title").get() == ("Sings", "")
    again = post(importer, "Username,Notes,Job Title\nann,Paints,Cook\n")
    assert again.context["plan"].changed[0].fields == {"bio": ("Sings", "Paints")}
    other = post(importer, "Username,Notes\nann,Paints\n")
    assert other.context["plan"].unknown_columns == ("Notes",)


def test_columns_of_other_names_are_known_by_what_their_cells_look_like(importer: Client) -> None:
    bio = "Restores church organs and tunes their pipes and teaches others. " * 3
    rows = (f"{name}@x.example,https://x.example/{name}.jpg,https://x.example/{name},EUR,{bio}" for name in "ab")
    header = post(importer, "\n".join(["One,Two,Three,Four,Five", *rows])).context["plan"].table.header
    assert header.fields == ("email", "photo_url", "profile_url", "currency", "bio")


def test_a_file_without_any_known_column_can_still_be_imported(importer: Client) -> None:
    page = post(importer, "Wer,Was\nann,singt\nben,malt\n")
    assert "Line 1 has no column “Username”" in str(list(page.context["messages"])[0])
    assert "first values" in page.content.decode()
    assert "ann" in page.content.decode()
    page = choose(importer, page, **{"column-0": "username", "column-1": "bio"})
    apply(importer, page)
    assert dict(Expert.objects.values_list("username", "bio")) == {"ann": "singt", "ben": "malt"}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Gebruikersnaam;Voornaam;Achternaam;Functie;Bedrijf;Uurtarief", "a;Ada;Bos;Kok;Acme;95,50"),
        ("Benutzername;Vorname;Nachname;Berufsbezeichnung;Firma;Stundensatz", "a;Ada;Bos;Kok;Acme;95,50"),
        ("Nom d’utilisateur;Prénom;Nom;Poste;Société;Taux horaire", "a;Ada;Bos;Kok;Acme;95,50"),
        ("User Name;Given Name;Surname;Position;Employer;Rate", "a;Ada;Bos;Kok;Acme;95,50"),
    ],
)
def test_headers_are_understood_in_four_languages(importer: Client, header: str, row: str) -> None:
    (expert,) = post(importer, f"{header}\n{row}\n").context["plan"].new
    assert (expert.username, expert.first_name, expert.last_name) == ("a", "Ada", "Bos")
    assert (expert.job_title, expert.company, expert.hourly_rate) == ("Kok", "Acme", Decimal("95.50"))


def test_usernames_are_made_of_addresses_or_names_and_stay_the_same(importer: Client) -> None:
    text = 'Name,E-mail,Title\n"Berg, Ada van den",Ada.Berg+x@example.org,Cook\nBen Sørensen,,Smith\n'
    page = post(importer, text)
    assert usernames(page) == ["ada.berg", "ben-sorensen"]
    apply(importer, page)
    assert list(Expert.objects.order_by("pk").values_list("first_name", "last_name")) == [
        ("Ada", "van den Berg"),
        ("Ben", "Sørensen"),
    ]
    assert post(importer, text).context["counts"].unchanged == 2
    namesake = post(importer, "Name,E-mail\nAda Smit,ada.berg@example.com\n").context["plan"]
    assert (namesake.changed, namesake.conflicts[0].other) == ([], "ada.berg")


def test_the_line_of_the_header_and_the_sheet_are_named(importer: Client) -> None:
    page = post(importer, "Export,\n,\nUsername,Bio\nann,x\n")
    assert page.context["notices"][0] == "The file is read as UTF-8; line 3 has the column names."
    page = post(importer, excel(("People", [["Username"], ["ann"]])))
    assert page.context["notices"][0] == "The sheet “People” is read; row 1 has the column names."


def test_the_sheet_is_chosen_on_the_page(importer: Client) -> None:
    page = post(importer, excel(("A", [["Username"], ["ann"]]), ("B", [["Username"], ["ben"]])))
    assert '<option value="B">B</option>' in page.content.decode()
    assert usernames(choose(importer, page, sheet="B")) == ["ben"]


def test_usernames_that_read_the_same_are_shown_and_kept_apart_by_choice(importer: Client) -> None:
    Expert.objects.create(username="Émile", last_name="Roy")
    page = post(importer, "Username,Bio\némile,Sings\n")
    assert "The directory has Roy under the username “Émile”." in " ".join(page.content.decode().split())
    page = choose(importer, page, same_names="suffix")
    apply(importer, page)
    assert dict(Expert.objects.values_list("username", "bio")) == {"Émile": "", "émile-2": "Sings"}


def test_a_number_that_the_other_numbers_decide_is_named(importer: Client) -> None:
    notices = post(importer, "Username;Hourly Rate\nann;1.250\nben;95.50\n").context["notices"]
    assert "Numbers are read with a decimal point." in notices
    assert "1 number could be read in two ways without the others: “1.250”." in notices


def test_a_template_has_the_columns_of_an_import(importer: Client) -> None:
    text = importer.get(f"{UPLOAD}template/").content.decode("utf-8-sig")
    assert text.startswith("Username,First Name,")


def test_a_bad_web_address_can_be_left_out(importer: Client) -> None:
    page = post(importer, "Username,Profile URL\nann,see my site\n")
    assert page.context["counts"].rejected == 1
    page = choose(importer, page, drop_bad_urls="on")
    assert "1 web address" in page.content.decode()
    apply(importer, page)
    assert Expert.objects.get().profile_url == ""
