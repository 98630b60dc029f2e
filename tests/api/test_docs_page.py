"""The page /api/docs: its form that creates a token."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from indexing.models import ApiToken
from tests.support import cast
from tests.support.html_reading import Element, html, parse_html

pytestmark = pytest.mark.django_db

DOCS = "/api/docs"


def elements(answer, **wanted: str) -> list[Element]:
    page = parse_html(answer.content.decode())
    return [each for each in page.walk() if all(each.attributes.get(name) == value for name, value in wanted.items())]


def test_staff_create_a_named_token_that_works_and_is_shown_once(client):
    client.force_login(cast.staff("indexing.view"))
    answer = client.post(DOCS, {"name": "nightly import", "days": "30"})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    [field] = elements(answer, id="token-secret")
    [place] = elements(answer, id="swagger-ui")
    secret = field.attributes["value"]
    assert place.attributes["data-token"] == secret
    token = ApiToken.objects.get()
    assert (token.name, token.user.username) == ("nightly import", "sam")
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    with_token = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/api/admin/ingest/status", headers=with_token).status_code == 200
    assert secret not in html(client.get(DOCS))


def test_it_is_recorded_who_created_which_token(client):
    client.force_login(cast.staff())
    client.post(DOCS, {"name": "nightly import", "days": "1"}, REMOTE_ADDR="192.0.2.7")
    entry = LogEntry.objects.get()
    assert entry.user.username == "sam"
    assert "nightly import" in entry.change_message
    assert "192.0.2.7" in entry.change_message
    assert elements(client.get(DOCS), id="token-secret") == []


@pytest.mark.parametrize(
    "sent", [{"name": "", "days": "1"}, {"name": "x", "days": "2"}, {"name": "x" * 81, "days": "1"}, {}]
)
def test_what_is_not_offered_creates_nothing(client, sent):
    client.force_login(cast.staff())
    answer = client.post(DOCS, sent)
    assert answer.status_code == 200
    assert "token-error" in html(answer)
    assert not ApiToken.objects.exists()


def test_the_operator_limits_how_long_a_token_may_be_valid(client, settings):
    settings.TCS_TOKEN_MAX_DAYS = 14
    client.force_login(cast.staff())
    options = [each.text for each in parse_html(client.get(DOCS).content.decode()).walk() if each.tag == "option"]
    assert options == ["1 day", "7 days", "14 days"]
    client.post(DOCS, {"name": "x", "days": "30"})
    assert not ApiToken.objects.exists()


def test_strangers_and_visitors_create_nothing(client):
    sent = {"name": "x", "days": "1"}
    assert "Members of staff can create a token here." in html(client.get(DOCS))
    assert client.post(DOCS, sent).status_code == 401
    client.force_login(cast.visitor())
    assert client.post(DOCS, sent).status_code == 403
    assert not ApiToken.objects.exists()


def test_a_token_is_not_created_without_the_csrf_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.staff())
    assert client.post(DOCS, {"name": "x", "days": "1"}).status_code == 403
    assert not ApiToken.objects.exists()


def test_a_name_cannot_turn_the_line_that_it_is_in(client):
    client.force_login(cast.staff(superuser=True))
    client.post(DOCS, {"name": "a\u202eb", "days": "1"})
    assert ApiToken.objects.get().name == "ab"


def test_the_list_of_tokens_names_them_and_leads_to_the_form(client):
    client.force_login(cast.staff(superuser=True))
    client.post(DOCS, {"name": "nightly import", "days": "7"})
    page = html(client.get("/admin/indexing/apitoken/"))
    assert "nightly import" in page
    assert f'href="{DOCS}"' in page


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/indexing/apitoken/"])
def test_the_documentation_is_linked_below_every_page_of_staff(client, path):
    assert f'href="{DOCS}"' not in html(client.get(path, follow=True))
    client.force_login(cast.staff(superuser=True))
    footers = [each for each in parse_html(client.get(path).content.decode()).walk() if each.tag == "footer"]
    assert [link.attributes["href"] for footer in footers for link in footer.walk() if link.tag == "a"] == [DOCS]


def test_other_methods_are_refused(client):
    assert client.put(DOCS).status_code == 405
