"""The directory by programs: list, get, add, change and delete experts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.test import Client

from experts.models import Expert, ExpertTag, Tag
from indexing.models import ApiToken
from tests.support.cast import staff

pytestmark = pytest.mark.django_db
EXPERTS = "/api/directory/experts"
JSON = "application/json"
EVERYTHING = ("view_expert", "add_expert", "change_expert", "delete_expert", "view_contact")
GIVEN = {
    "username": "ada",
    "first_name": " Ada ",
    "last_name": "Berg",
    "bio": "Bakes.\r\nTeaches.",
    "hourly_rate": 95.5,
    "currency": "eur",
    "profile_url": "https://example.org/a b",
    "email": "Ada <ada@example.org>",
    "phone": "tel:020 1234567",
    "country": "Nederland",
    "languages": ["Dutch", "en"],
    "links": ["https://a.example", "https://b.example"],
    "available_from": "2026-12-01",
    "created_at": 1717106400,
}


def signed_in(*permissions: str, username: str = "program") -> Client:
    user = staff(*(f"experts.{name}" for name in permissions or EVERYTHING), username=username)
    _token, secret = ApiToken.objects.issue(user, "robot")
    return Client(HTTP_AUTHORIZATION=f"Bearer {secret}")


@pytest.fixture
def program() -> Client:
    return signed_in()


def patch(client: Client, username: str, fields: dict[str, Any], **headers: str) -> Any:
    return client.patch(f"{EXPERTS}/{username}", fields, JSON, headers=headers)


def usernames(client: Client, **filters: Any) -> list[str]:
    return [each["username"] for each in client.get(EXPERTS, filters).json()["experts"]]


def history() -> list[tuple[int, str]]:
    return [(entry.action_flag, entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")]


def test_an_expert_is_added_read_changed_and_deleted(program: Client) -> None:
    answer = program.post(EXPERTS, GIVEN, JSON)
    assert answer.status_code == 201
    ada = Expert.objects.get()
    assert (ada.first_name, ada.bio, ada.currency, ada.country) == ("Ada", "Bakes.\nTeaches.", "EUR", "NL")
    assert (ada.email, ada.phone, ada.languages) == ("ada@example.org", "020 1234567", "nl en")
    assert (ada.links, ada.available_from) == ("https://a.example\nhttps://b.example", date(2026, 12, 1))
    assert (ada.profile_url, ada.created_at) == ("https://example.org/a%20b", datetime(2024, 5, 30, 22, tzinfo=UTC))
    shown = program.get(f"{EXPERTS}/ADA")
    assert shown.json() == answer.json()
    assert shown.headers["ETag"] == shown.json()["etag"]
    assert {"name": "Ada Berg", "hourly_rate": 95.5, "languages": ["nl", "en"], "is_active": True}.items() <= (
        shown.json().items()
    )
    changed = patch(program, "ada", {"hourly_rate": None, "is_active": False, "first_name": "Ada"}).json()
    assert (changed["hourly_rate"], changed["is_active"], changed["last_name"]) == (None, False, "Berg")
    assert program.delete(f"{EXPERTS}/ada").status_code == 204
    assert program.delete(f"{EXPERTS}/ada").status_code == 404
    assert not Expert.objects.exists()
    assert history() == [
        (ADDITION, "Added."),
        (CHANGE, "Changed hourly rate and active."),
        (DELETION, ""),
    ]


def test_what_is_the_same_already_leaves_no_trace(program: Client) -> None:
    before = program.post(EXPERTS, GIVEN, JSON).json()
    assert patch(program, "ada", GIVEN | {"hourly_rate": "95.50"}).json() == before
    assert patch(program, "ada", {}).json() == before
    assert len(history()) == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"colour": "red"}, "colour"),
        ({"hourly_rate": -1}, "hourly_rate"),
        ({"hourly_rate": "95.505"}, "hourly_rate"),
        ({"currency": "euro"}, "currency"),
        ({"profile_url": "javascript:alert(1)"}, "profile_url"),
        ({"country": "Atlantis"}, "country"),
        ({"languages": ["nl", "xx"]}, "languages"),
        ({"links": ["no link"]}, "links"),
        ({"email": "x"}, "email"),
        ({"phone": "x"}, "phone"),
        ({"available_from": "0001-01-01"}, "available_from"),
        ({"available_from": 20_000}, "available_from"),
        ({"created_at": 1e12}, "created_at"),
        ({"created_at": True}, "created_at"),
        ({"is_active": 1}, "is_active"),
        ({"first_name": "x" * 151}, "first_name"),
        ({"bio": "x\0"}, "bio"),
        ({"category": "#N/A"}, "category"),
        ({"username": "\u200b"}, "username"),
        ({"username": None}, "username"),
        ({"is_active": "maybe"}, "is_active"),
    ],
)
def test_a_field_that_is_not_valid_is_named_and_nothing_changes(
    program: Client, fields: dict[str, Any], wrong: str
) -> None:
    Expert.objects.create(username="ada")
    answers = [patch(program, "ada", fields), program.post(EXPERTS, {"username": "new"} | fields, JSON)]
    assert [(each.status_code, list(each.json()["fields"])) for each in answers] == [(422, [wrong])] * 2
    assert list(Expert.objects.values_list("username", "first_name")) == [("ada", "")]
    assert history() == []


def test_all_wrong_fields_are_named_at_once(program: Client) -> None:
    answer = program.post(EXPERTS, {"username": "a", "country": "x", "phone": "y"}, JSON)
    assert set(answer.json()["fields"]) == {"country", "phone"}
    assert list(program.post(EXPERTS, {"bio": "x"}, JSON).json()["fields"]) == ["username"]


def test_a_username_that_reads_the_same_is_taken(program: Client) -> None:
    Expert.objects.create(username="Éric")
    Expert.objects.create(username="ben")
    for answer in (
        program.post(EXPERTS, {"username": "e\u0301RIC"}, JSON),
        patch(program, "ben", {"username": "éric"}),
    ):
        assert (answer.status_code, "Éric" in answer.json()["detail"]) == (409, True)
    assert patch(program, "éric", {"username": "eric/a"}).status_code == 200
    assert program.get(f"{EXPERTS}/eric%2Fa").json()["username"] == "eric/a"
    assert program.get(f"{EXPERTS}/%00").status_code == 404


def test_two_programs_do_not_overwrite_each_other(program: Client) -> None:
    known = program.post(EXPERTS, {"username": "ada"}, JSON).json()["etag"]
    assert patch(program, "ada", {"city": "Ghent"}, **{"If-Match": known}).status_code == 200
    assert patch(program, "ada", {"city": "Lyon"}, **{"If-Match": known}).status_code == 412
    assert program.delete(f"{EXPERTS}/ada", headers={"If-Match": known}).status_code == 412
    assert Expert.objects.get().city == "Ghent"
    now = program.get(f"{EXPERTS}/ada").json()["etag"]
    assert patch(program, "ada", {"city": "Lyon"}, **{"If-Match": f'"x", {now}'}).status_code == 200
    assert program.delete(f"{EXPERTS}/ada", headers={"If-Match": "*"}).status_code == 204


def test_each_method_needs_its_permission() -> None:
    Expert.objects.create(username="ada")
    may = {
        "view_expert": {"GET"},
        "add_expert": {"POST"},
        "change_expert": {"GET", "PATCH"},
        "delete_expert": {"DELETE"},
        "view_contact": set(),
        "import": set(),
    }
    for permission, methods in may.items():
        client = signed_in(permission, username=permission)
        answers = {
            "GET": client.get(EXPERTS),
            "POST": client.post(EXPERTS, {"username": "ben"}, JSON),
            "PATCH": patch(client, "ada", {"city": "Ghent"}),
            "DELETE": client.delete(f"{EXPERTS}/ada"),
        }
        assert {method for method, answer in answers.items() if answer.status_code != 403} == methods
        assert (client.get(f"{EXPERTS}/ada").status_code != 403) == ("GET" in methods)


def test_a_contact_is_neither_seen_nor_set_without_the_right() -> None:
    Expert.objects.create(username="ada", email="ada@example.org", phone="0201234567")
    client = signed_in("view_expert", "change_expert", "add_expert", username="blind")
    for answer in (client.get(EXPERTS), client.get(f"{EXPERTS}/ada"), patch(client, "ada", {"city": "Ghent"})):
        assert answer.status_code == 200
        assert not {"ada@example.org", "0201234567"} & set(answer.content.decode().split('"'))
        assert '"email": null' in answer.content.decode()
    assert patch(client, "ada", {"email": "eve@example.org"}).status_code == 403
    assert client.post(EXPERTS, {"username": "ben", "phone": "999"}, JSON).status_code == 403
    assert usernames(client, q="example.org") == []
    assert Expert.objects.get().email == "ada@example.org"


def test_experts_are_listed_in_pages_with_filters(program: Client) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    for name, more in {
        "ada": {"first_name": "Ada", "category": "Craft", "country": "NL", "languages": "nl en"},
        "ben": {"company": "Ada Lines", "is_active": False, "country": "BE", "languages": "nl"},
        "cid": {"available_from": date(2026, 12, 1), "languages": "fr nld en"},
    }.items():
        Expert.objects.create(username=name, **more)
    Expert.objects.filter(username="cid").update(updated_at=long_ago)
    baking = Tag.objects.create(name="Baking", kind="domain")
    food = Tag.objects.create(name="Food", kind="industry")
    ExpertTag.objects.create(expert=Expert.objects.get(username="ada"), tag=baking)
    ExpertTag.objects.create(expert=Expert.objects.get(username="ben"), tag=food, source="auto", score=0.5)
    first = program.get(EXPERTS, {"limit": 2}).json()
    assert ([each["username"] for each in first["experts"]], first["count"]) == (["ada", "ben"], 3)
    assert first["experts"][0]["tags"] == [{"name": "Baking", "kind": "domain", "source": "manual"}]
    assert first["experts"][1]["tags"] == [{"name": "Food", "kind": "industry", "source": "auto"}]
    rest = program.get(EXPERTS, {"limit": 2, "after": first["next"]}).json()
    assert ([each["username"] for each in rest["experts"]], rest["next"], rest["count"]) == (["cid"], None, 3)
    assert usernames(program, q="ada") == ["ada", "ben"]
    assert usernames(program, is_active="false") == ["ben"]
    assert usernames(program, tag=["Baking", "Food"]) == ["ada", "ben"]
    assert usernames(program, industry="Food") == ["ben"]
    assert usernames(program, category="Craft") == ["ada"]
    assert usernames(program, country=["NL", "BE"]) == ["ada", "ben"]
    assert usernames(program, language="nl") == ["ada", "ben"]
    assert usernames(program, language=["nl", "en"]) == ["ada"]
    assert usernames(program, available_by="2026-11-30") == []
    assert usernames(program, available_by="2026-12-01") == ["cid"]
    assert usernames(program, updated_since=long_ago.timestamp() + 1) == ["ada", "ben"]
    for name, value in {
        "tag": "x\0",
        "industry": "Baking",
        "category": "y",
        "country": "XX",
        "language": "xx",
    }.items():
        answer = program.get(EXPERTS, {name: value})
        assert (answer.status_code, list(answer.json()["fields"])) == (422, [name])
    assert program.get(EXPERTS, {"colour": "red"}).status_code == 422
    assert program.head(EXPERTS).status_code == 200
