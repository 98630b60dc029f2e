"""Contact, location, languages, availability and links: what the fields take, and who sees the contact."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from experts import iso_codes
from experts.models import Expert
from experts.written_values import READERS
from tests.support.cast import staff

pytestmark = pytest.mark.django_db

NOTHING = {f"{of}-{name}": "0" for of in ("expert_tags", "documents") for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
GIVEN = {"username": "ada", "created_at_0": "2024-05-31", "created_at_1": "12:00", "is_active": "on", **NOTHING}


@pytest.fixture
def ada() -> Expert:
    return Expert.objects.create(
        username="ada",
        email="ada@example.org",
        phone="+31 20 123 4567",
        city="Utrecht",
        country="NL",
        languages="nl en",
        links="https://a.example/\njavascript:alert(1)",
    )


def address(expert: Expert) -> str:
    return f"/admin/experts/expert/{expert.pk}/change/"


@pytest.mark.parametrize(
    ("field", "written", "held"),
    [
        ("email", "Ada Berg <ada@example.org>", "ada@example.org"),
        ("email", "mailto:ada@example.org", "ada@example.org"),
        ("phone", "tel:+31  (0)20 123–4567", "+31 (0)20 123-4567"),  # noqa: RUF001
        ("phone", "020/1234567 ext. 12", "020/1234567 ext. 12"),
        ("country", "nederland", "NL"),
        ("country", "Allemagne", "DE"),
        ("country", "GBR", "GB"),
        ("country", "UK", "GB"),
        ("country", "Kosovo", "XK"),
        ("languages", "Dutch, English (fluent); deu", "nl en de"),
        ("languages", "nl en", "nl en"),
        ("languages", "français et allemand", "fr de"),
        ("languages", "pt-BR, Português, 中文", "pt zh"),
        ("links", "https://a.example/x,y; https://b.example https://a.example/x,y", "https://a.example/x,y\nhttps://b.example"),
        *((field, "", "") for field in READERS),
    ],
)  # fmt: skip
def test_a_value_is_read_as_people_write_it(field: str, written: str, held: str) -> None:
    assert READERS[field](written) == held
    if held:
        Expert._meta.get_field(field).run_validators(held)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("email", "ada"),
        ("phone", "3.16E+10"),
        ("phone", "ask me"),
        ("phone", "+1"),
        ("country", "Atlantis"),
        ("country", "EU"),
        ("languages", "nl, xx"),
        ("languages", "fluent"),
        ("links", "javascript:alert(1)"),
        ("links", " ".join(f"https://{n}.example" for n in range(11))),
    ],
)
def test_what_cannot_be_read_is_refused(field: str, written: str) -> None:
    with pytest.raises(ValidationError):
        READERS[field](written)


def test_countries_and_languages_are_named_in_the_readers_language(ada: Expert) -> None:
    assert len(iso_codes.country_codes()) == 250
    with translation.override("nl"):
        assert (ada.location, ada.language_names) == ("Utrecht, Nederland", ["Nederlands", "Engels"])
    with translation.override("en"):
        assert ada.location == "Utrecht, Netherlands"
        assert iso_codes.countries()[:2] == [("AF", "Afghanistan"), ("AX", "Åland Islands")]


def test_only_links_that_are_web_addresses_are_links(ada: Expert) -> None:
    assert ada.further_links == ["https://a.example/"]


def test_the_form_reads_them_and_says_what_is_wrong(client: Client, ada: Expert) -> None:
    client.force_login(staff(superuser=True))
    given = GIVEN | {
        "email": "ada@example.com",
        "phone": "tel:0201234567",
        "country": "BE",
        "languages": "Dutch, fr",
        "links": "https://b.example\r\nhttps://c.example",
        "available_from": "2026-12-01",
        "availability": "two days a week",
    }
    assert client.post(address(ada), given).status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.phone, ada.country, ada.languages) == ("ada@example.com", "0201234567", "BE", "nl fr")
    assert (ada.links, ada.available_from) == ("https://b.example\nhttps://c.example", date(2026, 12, 1))
    refused = client.post(address(ada), given | {"phone": "x", "languages": "xx", "links": "y", "country": "EU"})
    assert set(refused.context["adminform"].form.errors) == {"phone", "languages", "links", "country"}


def test_the_form_neither_shows_nor_takes_a_contact_without_the_right(client: Client, ada: Expert) -> None:
    client.force_login(staff("experts.change_expert", "experts.view_expert"))
    page = client.get(address(ada)).content.decode()
    assert "ada@example.org" not in page
    assert "123 4567" not in page
    assert client.post(address(ada), GIVEN | {"email": "eve@example.org", "phone": "999"}).status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.phone) == ("ada@example.org", "+31 20 123 4567")
    client.force_login(staff("experts.view_expert", "experts.view_contact", username="reader"))
    assert "ada@example.org" in client.get(address(ada)).content.decode()
