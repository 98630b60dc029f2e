"""Usernames with slashes in addresses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse
from django.test import AsyncRequestFactory

from experts.models import Expert
from indexing.api import usernames
from indexing.models import ApiToken
from tests.support.attachments_cast import document, photo
from tests.support.cast import staff

pytestmark = pytest.mark.django_db(transaction=True)
Ask = Callable[..., HttpResponse]


@pytest.fixture
def ask() -> Ask:
    """Sends a request as a server passes it on: with the address decoded, and as it was sent."""
    rights = ("view_expert", "change_expert", "delete_expert", "view_document", "delete_document")
    token = ApiToken.objects.issue(staff(*(f"experts.{name}" for name in rights), username="program"))[1]
    handler = BaseHandler()
    handler.load_middleware()

    def ask(method: str, written: str, **body: Any) -> HttpResponse:
        address = f"/api/directory/experts/{written}"
        request = AsyncRequestFactory().generic(
            method,
            address,
            json.dumps(body) if body else "",
            "application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        request.path_info = unquote(address)
        request.scope["raw_path"] = address.encode()
        return handler.get_response(request)

    return ask


@pytest.mark.parametrize(
    "username", ["a/documents", "a/photo", "a/documents/7", "a/b", "photo", "é/photo", "%2F/photo"]
)
def test_whoever_ends_like_an_address_is_read_changed_and_deleted(ask: Ask, username: str) -> None:
    owner, expert = (Expert.objects.create(username=each) for each in ("a", username))
    written = quote(username, safe="")
    assert json.loads(ask("GET", written).content)["id"] == expert.pk
    assert ask("PATCH", written, city="Utrecht").status_code == 200
    assert ask("DELETE", f"{written}/photo").status_code == 204
    assert json.loads(ask("GET", f"{written}/documents").content) == {"documents": []}
    assert ask("DELETE", written.replace("%2F", "%2f")).status_code == 204
    assert list(Expert.objects.all()) == [owner]


def test_a_slash_that_is_not_encoded_divides_the_address_as_before(ask: Ask) -> None:
    ada = Expert.objects.create(username="ada")
    document(photo(ada))
    others = [Expert.objects.create(username=each) for each in ("ada/photo", "ada/documents", "x/y")]
    assert len(json.loads(ask("GET", "ada/documents").content)["documents"]) == 1
    assert ask("DELETE", "ada/photo").status_code == 204
    assert Expert.objects.filter(photo_file="").count() == 4
    assert json.loads(ask("GET", "x/y").content)["id"] == others[2].pk
    assert ask("GET", "nobody/documents").status_code == 404


def test_an_address_that_was_changed_on_its_way_is_looked_up_as_it_arrived() -> None:
    request = AsyncRequestFactory().get("/api/directory/experts/ann")
    request.scope["raw_path"] = b"/api/directory/experts/b%2Fx"
    usernames.keep_slashes_of_usernames(lambda _request: HttpResponse())(request)
    assert request.path_info == "/api/directory/experts/ann"
