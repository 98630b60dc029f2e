"""Imports by programs: preview, apply, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from experts.models import Expert, ImportRecord
from indexing.models import ApiToken
from tests.support.cast import staff

pytestmark = pytest.mark.django_db
IMPORTS = "/api/directory/imports"


@pytest.fixture
def program() -> Client:
    return signed_in("program")


def signed_in(username: str, *permissions: str) -> Client:
    user = staff(*(permissions or ("experts.import",)), username=username)
    _token, secret = ApiToken.objects.issue(user, "robot")
    return Client(HTTP_AUTHORIZATION=f"Bearer {secret}")


def upload(client: Client, text: str, **choices: object) -> Any:
    return client.post(IMPORTS, {"file": SimpleUploadedFile("people.csv", text.encode()), **choices})


def apply(client: Client, preview: dict[str, Any], **more: object) -> Any:
    wanted = {"digest": preview["digest"], **more}
    return client.post(f"{IMPORTS}/{preview['id']}/apply", wanted, "application/json")


def waiting() -> list[Path]:
    return list((Path(settings.DATA_DIR) / "imports").iterdir())


def test_a_file_is_previewed_applied_and_undone(program: Client) -> None:
    Expert.objects.create(username="cid")
    preview = upload(program, "Username;Uurtarief\nann;1.250\nben;much\n", decimal=",").json()
    assert preview["counts"] == {
        "new": 1, "changed": 0, "unchanged": 0, "missing": 1, "rejected": 1, "skipped": 0
    }  # fmt: skip
    assert (preview["delimiter"], preview["columns"][1]) == (";", {"name": "Uurtarief", "field": "hourly_rate"})
    assert (preview["rejections"][0]["line"], preview["rejections"][0]["value"]) == (3, "much")
    assert preview["new"] == [{"username": "ann", "name": "ann", "job_title": ""}]
    assert preview["missing"] == [{"username": "cid", "name": "cid", "job_title": ""}]
    assert Expert.objects.count() == 1
    assert apply(program, preview).status_code == 409
    done = apply(program, preview, skip_bad=True).json()
    assert done["counts"]["new"] == 1
    assert str(Expert.objects.get(username="ann").hourly_rate) == "1250.00"
    assert waiting() == []
    assert apply(program, preview).status_code == 404
    assert ImportRecord.objects.get().name == "program"
    undone = program.post(f"{IMPORTS}/{done['number']}/undo").json()
    assert undone == {"deleted": 1, "restored": 0, "activated": 0, "left_alone": [], "conflicts": []}
    assert program.post(f"{IMPORTS}/{done['number']}/undo").status_code == 409


def test_a_preview_says_what_each_expert_has_now_but_contacts_only_to_those_who_may_see_them(program: Client) -> None:
    Expert.objects.create(username="ann", last_name="Ash", job_title="Baker", email="old@example.org", city="Oslo")
    reader = signed_in("reader", "experts.import", "experts.view_contact")
    for client, address in ((program, None), (reader, "old@example.org")):
        preview = upload(client, "Username,Email,Hourly Rate,City\nann,new@example.org,6,Oslo\n").json()
        assert preview["changed"] == [
            {
                "username": "ann",
                "name": "Ash",
                "job_title": "Baker",
                "fields": [
                    {"field": "email", "before": address, "after": "new@example.org"},
                    {"field": "hourly_rate", "before": None, "after": "6.00"},
                ],
            }
        ]


def test_of_long_values_a_preview_shows_the_beginning(program: Client) -> None:
    Expert.objects.create(username="ann", bio="x" * 2_000)
    (ann,) = upload(program, f"Username,Bio\nann,{'y' * 2_000}\n").json()["changed"]
    assert ann["fields"] == [{"field": "bio", "before": "x" * 1_000, "after": "y" * 1_000}]


def test_a_program_says_what_the_columns_fill(program: Client) -> None:
    file = "Wer,Was,Notiz\nann,singt,leise\n"
    assert upload(program, file).status_code == 409
    preview = upload(program, file, columns=["username", "", "bio"]).json()
    assert [each["field"] for each in preview["columns"]] == ["username", "", "bio"]
    assert apply(program, preview).status_code == 200
    assert Expert.objects.get().bio == "leise"
    assert upload(program, file).status_code == 200, "remembered"
    assert upload(program, file, columns=["colour"]).status_code == 422
    assert upload(program, file, columns=["username", "username"]).status_code == 409


def test_an_undo_lists_what_stays_without_contacts_for_those_who_must_not_see_them(program: Client) -> None:
    reader = signed_in("reader", "experts.import", "experts.view_contact")
    for client, address in ((program, None), (reader, "ann@hand.example")):
        Expert.objects.all().delete()
        Expert.objects.create(username="ann", email="ann@old.example", hourly_rate=5)
        done = apply(client, upload(client, "Username,Email,Hourly Rate\nann,ann@new.example,6\n").json()).json()
        Expert.objects.update(email="ann@hand.example", hourly_rate=7, updated_at=timezone.now())
        undone = client.post(f"{IMPORTS}/{done['number']}/undo").json()
        assert undone["conflicts"] == [
            {"username": "ann", "field": "email", "now": address, "before": address and "ann@old.example"},
            {"username": "ann", "field": "hourly_rate", "now": "7.00", "before": "5.00"},
        ]


def test_what_changed_since_the_preview_and_the_number_of_the_hidden_are_checked(program: Client) -> None:
    Expert.objects.create(username="cid")
    preview = upload(program, "Username\nann\n", sync="true").json()
    assert (preview["needs_confirmation"], preview["deactivated"]) == (True, 1)
    answer = apply(program, preview)
    assert (answer.status_code, "would deactivate 1 of 1" in answer.json()["detail"]) == (409, True)
    assert apply(program, preview | {"digest": "0" * 64}, deactivate=1).status_code == 409
    assert apply(program, preview, deactivate=1).json()["deactivated"] == 1


def test_a_file_that_cannot_be_read_is_refused_and_removed(program: Client) -> None:
    answer = upload(program, "Colour\nred\n")
    assert answer.status_code == 409
    assert "Username" in answer.json()["detail"]
    assert waiting() == []
    assert upload(program, "Username\nann\n", decimal="x").status_code == 422
    assert program.post(IMPORTS, {}).status_code == 422


def test_nobody_else_finds_an_upload_and_none_without_the_permission(program: Client) -> None:
    preview = upload(program, "Username\nann\n").json()
    assert apply(signed_in("other"), preview).status_code == 404
    assert apply(program, preview | {"id": "../" + preview["id"]}).status_code == 404
    reader = signed_in("reader", "experts.view_expert")
    assert upload(reader, "Username\nann\n").status_code == 403
    assert apply(reader, preview).status_code == 403
    assert reader.post(f"{IMPORTS}/1/undo").status_code == 403
    assert not Expert.objects.filter(username="ann").exists()
