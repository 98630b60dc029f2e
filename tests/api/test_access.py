"""Who may use the API, and that it always answers in JSON."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from indexing.models import ApiToken
from indexing.runs import status
from tests.support import cast

pytestmark = pytest.mark.django_db

READING = [
    "/api/admin/ingest/status",
    "/api/admin/ingest/runs",
    "/api/admin/ingest/runs/1",
    "/api/admin/ingest/runs/1/log",
    "/api/admin/embedding-map",
    "/api/admin/versions",
    "/api/admin/search-tests",
    "/api/admin/search-tests/run",
    "/api/admin/use",
]
SEARCHING = ["/api/search?q=x", "/api/suggest?q=x", "/api/experts/1/similar?k=3", "/api/where?q=x"]
"""open to all staff"""
KEEPING = {
    "/api/directory/experts": {"get", "post"},
    "/api/directory/experts/1": {"get", "patch", "delete"},
    "/api/directory/experts/1/documents": {"get", "post"},
    "/api/directory/experts/1/documents/1": {"delete"},
    "/api/directory/experts/1/photo": {"put", "delete"},
}
"""each method with a permission of its own: tests/api/test_experts.py, test_attachments.py"""
ACTING = [
    "/api/admin/ingest/run",
    "/api/admin/ingest/runs/1/cancel",
    "/api/admin/versions/1/publish",
    "/api/admin/versions/1/discard",
    "/api/admin/versions/1/rollback",
    "/api/admin/versions/1/pin",
    "/api/admin/versions/1/unpin",
    "/api/admin/schedule/release",
    "/api/admin/search-tests",
    "/api/admin/search-tests/1/delete",
    "/api/directory/imports",
    "/api/directory/imports/1/apply",
    "/api/directory/imports/1/undo",
]


def bearer(user) -> dict[str, str]:
    return {"Authorization": f"Bearer {ApiToken.objects.issue(user)[1]}"}


def test_every_operation_but_signing_in_is_among_those_tried_here(client):
    document = client.get("/api/openapi.json").json()
    paths = {re.sub(r"\{\w+\}", "1", path) for path in document["paths"]}
    searching = {path.partition("?")[0] for path in SEARCHING}
    assert paths == {*READING, *ACTING, *searching, *KEEPING, "/api/admin/auth"}


@pytest.mark.parametrize("path", [*READING, *SEARCHING])
def test_reading_without_credentials_is_401(client, path):
    answer = client.get(path)
    assert answer.status_code == 401
    assert "Sign in" in answer.json()["detail"]
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ACTING)
def test_acting_without_credentials_is_401(client, path):
    assert client.post(path, content_type="application/json").status_code == 401


@pytest.mark.parametrize(("path", "methods"), KEEPING.items())
def test_keeping_experts_without_credentials_is_401(client, path, methods):
    for method in methods:
        answer = client.generic(method.upper(), path, content_type="application/json")
        assert answer.status_code == 401


@pytest.mark.parametrize("path", READING)
def test_reading_needs_the_view_permission(client, path):
    client.force_login(cast.staff("indexing.rebuild"))
    answer = client.get(path)
    assert answer.status_code == 403
    assert "indexing.view" in answer.json()["detail"]


@pytest.mark.parametrize("path", ACTING)
def test_acting_needs_more_than_the_view_permission(client, path):
    client.force_login(cast.staff("indexing.view"))
    answer = client.post(path, content_type="application/json")
    assert answer.status_code == 403
    assert re.search(r"(indexing|experts)\.", answer.json()["detail"])


def test_cancelling_does_not_allow_to_start(client):
    client.force_login(cast.staff("indexing.cancel"))
    assert client.post("/api/admin/ingest/run").status_code == 403


@pytest.mark.parametrize("path", [*READING, *SEARCHING])
def test_users_who_are_not_staff_are_refused_with_any_credentials(client, path):
    visitor = cast.visitor()
    assert client.get(path, headers=bearer(visitor)).status_code == 403
    client.force_login(visitor)
    assert client.get(path).status_code == 403


def test_a_session_needs_the_csrf_token_to_act():
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.staff("indexing.cancel"))
    answer = client.post("/api/admin/ingest/runs/1/cancel")
    assert answer.status_code == 403
    assert "X-CSRFToken" in answer.json()["detail"]

    secret = "a" * 32
    client.cookies[settings.CSRF_COOKIE_NAME] = secret
    answer = client.post("/api/admin/ingest/runs/1/cancel", headers={"X-CSRFToken": secret})
    assert answer.status_code == 404


def test_a_token_needs_no_csrf_token():
    headers = bearer(cast.staff("indexing.cancel"))
    answer = Client(enforce_csrf_checks=True).post("/api/admin/ingest/runs/1/cancel", headers=headers)
    assert answer.status_code == 404


class TestTokens:
    def test_a_valid_one_reads(self, client):
        assert client.get("/api/admin/ingest/status", headers=bearer(cast.staff("indexing.view"))).status_code == 200

    @pytest.mark.parametrize(
        "change", [{"expires_at": timezone.now() - timedelta(seconds=1)}, {"revoked_at": timezone.now()}]
    )
    def test_an_expired_or_revoked_one_is_401_even_with_a_session(self, client, change):
        user = cast.staff("indexing.view")
        headers = bearer(user)
        ApiToken.objects.update(**change)
        client.force_login(user)
        answer = client.get("/api/admin/ingest/status", headers=headers)
        assert answer.status_code == 401
        assert "expired or revoked" in answer.json()["detail"]

    @pytest.mark.parametrize("value", ["Bearer nonsense", "Bearer ", "Bearer é\x00"])
    def test_an_unknown_one_is_401(self, client, value):
        assert client.get("/api/admin/ingest/status", headers={"Authorization": value}).status_code == 401

    def test_one_of_a_user_that_was_deactivated_is_401(self, client):
        user = cast.staff("indexing.view")
        headers = bearer(user)
        user.is_active = False
        user.save()
        assert client.get("/api/admin/ingest/status", headers=headers).status_code == 401


class TestSigningIn:
    def sign_in(self, client, **credentials):
        return client.post("/api/admin/auth", credentials, content_type="application/json")

    def test_staff_get_a_token_that_works_and_is_stored_only_as_a_hash(self, client):
        user = cast.staff("indexing.view")
        answer = self.sign_in(client, username="sam", password=cast.PASSWORD)
        assert answer.status_code == 200
        token = answer.json()["token"]
        assert client.get("/api/admin/ingest/status", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        stored = ApiToken.objects.get(user=user)
        assert token not in (stored.digest, str(stored.pk))
        assert stored.expires_at - timezone.now() > timedelta(hours=23.9)
        assert answer.json()["expires_at"] == stored.expires_at.timestamp()
        user.refresh_from_db()
        assert user.last_login is not None

    def test_a_wrong_password_and_a_visitor_are_401_with_one_text(self, client):
        cast.staff()
        cast.visitor()
        wrong = self.sign_in(client, username="sam", password="wrong")
        visitor = self.sign_in(client, username="vera", password=cast.PASSWORD)
        assert wrong.status_code == visitor.status_code == 401
        assert wrong.json() == visitor.json()
        assert not ApiToken.objects.exists()

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ("{", "body"),
            ("", "body"),
            ("[]", "username"),
            ("7", "username"),
            ("null", "username"),
            ('{"username": "sam"}', "password"),
            ('{"username": "sam", "password": 7}', "password"),
        ],
    )
    def test_a_body_that_is_wrong_is_422_and_names_the_field(self, client, body, field):
        answer = client.post("/api/admin/auth", body, content_type="application/json")
        assert answer.status_code == 422
        assert field in answer.json()["fields"]
        assert field in answer.json()["detail"]

    def test_guessing_is_throttled_and_the_right_password_waits_too(self, client):
        cast.staff()
        for _ in range(settings.TCS_LOGIN_ATTEMPTS):
            assert self.sign_in(client, username="sam", password="guess").status_code == 401
        slowed = self.sign_in(client, username="sam", password=cast.PASSWORD)
        assert slowed.status_code == 429
        assert 0 < int(slowed["Retry-After"]) <= 5
        assert "Too many" in slowed.json()["detail"]

    def test_signing_in_forgives_the_failures_before(self, client):
        cast.staff()
        for _ in range(2):
            for _ in range(settings.TCS_LOGIN_ATTEMPTS - 1):
                self.sign_in(client, username="sam", password="guess")
            assert self.sign_in(client, username="sam", password=cast.PASSWORD).status_code == 200


class TestAlwaysJson:
    def test_an_unknown_address(self, client):
        answer = client.get("/api/nothing")
        assert answer.status_code == 404
        assert "/api/nothing" in answer.json()["detail"]

    @pytest.mark.parametrize("path", ["/api/admin/ingest/run", "/api/admin/auth"])
    def test_a_wrong_method(self, client, path):
        answer = client.get(path)
        assert answer.status_code == 405
        assert answer["Allow"] == "POST"
        assert "POST" in answer.json()["detail"]

    @pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "201"), ("limit", "x"), ("before", "-1")])
    def test_a_parameter_out_of_range(self, client, name, value):
        client.force_login(cast.staff("indexing.view"))
        answer = client.get("/api/admin/ingest/runs", {name: value})
        assert answer.status_code == 422
        assert list(answer.json()["fields"]) == [name]

    @pytest.mark.parametrize("number", ["0", "x", str(2**63)])
    def test_a_run_number_that_cannot_be(self, client, number):
        client.force_login(cast.staff("indexing.view"))
        assert client.get(f"/api/admin/ingest/runs/{number}").status_code in (404, 422)

    def test_a_database_that_is_away_is_503(self, client, monkeypatch):
        def away():
            raise OperationalError("could not connect")

        client.force_login(cast.staff("indexing.view"))
        monkeypatch.setattr(status, "current_status", away)
        answer = client.get("/api/admin/ingest/status")
        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
        assert "database" in answer.json()["detail"]
        assert "could not connect" not in answer.json()["detail"]

    @pytest.mark.parametrize(("error", "code"), [(KeyError("oops"), 500), (SuspiciousOperation("no"), 400)])
    def test_an_error_that_nobody_thought_of(self, monkeypatch, error, code):
        def fail():
            raise error

        client = Client(raise_request_exception=False)
        client.force_login(cast.staff("indexing.view"))
        monkeypatch.setattr(status, "current_status", fail)
        answer = client.get("/api/admin/ingest/status")
        assert answer.status_code == code
        assert answer.json()["detail"]
        assert "oops" not in answer.content.decode()

    def test_a_host_that_is_not_allowed(self):
        answer = Client(SERVER_NAME="elsewhere.example").get("/api/openapi.json")
        assert answer.status_code in (200, 400)
        assert answer["Content-Type"].startswith("application/json")

    async def test_under_asgi_too(self, async_client):
        answer = await async_client.get("/api/nothing")
        assert answer.status_code == 404
        assert "detail" in answer.json()
