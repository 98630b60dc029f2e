"""Contact, location, languages, availability and links in files: read, previewed, undone, exported."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from experts.exporting import write_csv
from experts.importing.apply import apply_plan
from experts.importing.undo import undo
from experts.models import CONTACT, Expert
from tests.support.cast import staff
from tests.support.imports import import_file, plan_of, problems

pytestmark = pytest.mark.django_db

LIST = "/admin/experts/expert/"
FIELDS = ("email", "phone", "city", "country", "languages", "availability", "available_from", "links")
HEADERS = {
    "en": "E-mail address;Mobile;Town;Country code;Spoken languages;Available;Available since;Websites",
    "nl": "E-mailadres;Telefoonnummer;Woonplaats;Land;Talen;Beschikbaarheid;Beschikbaar vanaf;Overige links",
    "de": "E-Mail-Adresse;Handy;Wohnort;Land;Sprachen;Verfügbarkeit;Verfügbar ab;Weitere Links",
    "fr": "Adresse e-mail;Téléphone;Ville;Pays;Langues parlées;Disponibilité;Disponible à partir du;Autres liens",
}
ROW = (
    'ada@example.org;+31 20 1234567;Utrecht;Nederland;"Dutch, Duits";two days a week;1-12-2026;'
    "https://a.example https://b.example"
)


@pytest.mark.parametrize("language", HEADERS)
def test_every_column_is_known_in_four_languages(language: str) -> None:
    (expert,) = plan_of(f"Username;{HEADERS[language]}\nada;{ROW}\n").new
    assert [getattr(expert, name) for name in FIELDS] == [
        "ada@example.org",
        "+31 20 1234567",
        "Utrecht",
        "NL",
        "nl de",
        "two days a week",
        date(2026, 12, 1),
        "https://a.example\nhttps://b.example",
    ]


@pytest.mark.parametrize(
    ("place", "city", "country"),
    [
        ("Utrecht, Netherlands", "Utrecht", "NL"),
        ("Lyon, Rhône, France", "Lyon, Rhône", "FR"),
        ("Belgium", "", "BE"),
        ("Utrecht, near the station", "Utrecht, near the station", ""),
        ("", "", ""),
    ],
)
def test_a_location_is_divided_into_city_and_country(place: str, city: str, country: str) -> None:
    (expert,) = plan_of(f"Username;Location\nada;{place}\n").new
    assert (expert.city, expert.country) == (city, country)


def test_a_location_gives_way_to_columns_of_its_own() -> None:
    (expert,) = plan_of("Username;Location;City\nada;Ghent, Belgium;Utrecht\n").new
    assert (expert.city, expert.country) == ("Utrecht", "")


def test_what_is_not_valid_is_refused_with_its_column() -> None:
    header = "Username;E-mail;Phone;Country;Languages;Available From;Links"
    plan = plan_of(f"{header}\nada;x;y;Atlantis;nl, xx;soon;ftp://a.example\n")
    assert [field for _line, field, _value in problems(plan)] == header.split(";")[1:]
    (expert,) = plan_of("Username;Links\nada;not a link\n", drop_bad_urls=True).new
    assert expert.links == ""


def test_an_empty_cell_empties_and_no_column_leaves_alone() -> None:
    import_file(f"Username;{HEADERS['en']}\nada;{ROW}\n")
    import_file("Username;Phone;Available From\nada;;\n")
    ada = Expert.objects.get()
    assert (ada.phone, ada.available_from, ada.email, ada.country) == ("", None, "ada@example.org", "NL")


def test_a_username_is_made_of_an_address_with_a_name() -> None:
    (expert,) = plan_of("E-mail\nAda Berg <ada@example.org>\n").new
    assert (expert.username, expert.email) == ("ada", "ada@example.org")


def test_an_undone_import_brings_every_value_back() -> None:
    import_file(f"Username;{HEADERS['en']}\nada;{ROW}\n")
    before = Expert.objects.values(*FIELDS).get()
    plan = plan_of(f"Username;{HEADERS['en']}\nada;eve@example.org;;;;;;;\n")
    undo(apply_plan(plan).pk, None)
    assert Expert.objects.values(*FIELDS).get() == before


def test_an_export_is_read_back_unchanged() -> None:
    import_file(f"Username;{HEADERS['en']}\nada;{ROW}\n")
    file = io.StringIO()
    write_csv(Expert.objects.all(), file)
    assert plan_of(file.getvalue()).counts.unchanged == 1


def test_an_export_has_no_contact_without_the_right(client: Client) -> None:
    import_file(f"Username;{HEADERS['en']}\nada;{ROW}\n")
    chosen = {"action": "export", "_selected_action": [Expert.objects.get().pk]}
    for permissions, seen in ((), False), (("experts.view_contact",), True):
        client.force_login(staff("experts.view_expert", *permissions, username=f"reader {seen}"))
        text = client.post(LIST, chosen).content.decode()
        (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
        assert (row["City"], "E-mail" in row, "ada@example.org" in text) == ("Utrecht", seen, seen)


def test_a_preview_hides_the_contact_that_the_directory_has(client: Client) -> None:
    import_file(f"Username;{HEADERS['en']}\nada;{ROW}\n")
    file = "Username;E-mail;Phone;City\nada;eve@example.org;999;Ghent\n"
    for permissions, seen in ((), False), (("experts.view_contact",), True):
        client.force_login(staff("experts.import", *permissions, username=f"importer {seen}"))
        upload = {"file": SimpleUploadedFile("people.csv", file.encode())}
        page = client.post(f"{LIST}import/", upload, follow=True).content.decode()
        assert ("ada@example.org" in page, "1234567" in page, "Utrecht" in page) == (seen, seen, True)
        assert "eve@example.org" in page
    assert CONTACT == ("email", "phone")
