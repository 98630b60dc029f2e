"""Everybody signs in on one page; those who only search come to the search and nowhere else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from experts.models import Expert
from indexing.models import ApiToken
from indexing.sign_in import devices
from tests.support import cast

pytestmark = pytest.mark.django_db

PAGE = "/accounts/sign-in/"


def signed_in(client: Client, name: str, address: str = PAGE) -> str:
    """Where somebody is led after signing in."""
    answer = client.post(address, {"username": name, "password": cast.PASSWORD})
    assert answer.status_code == 302
    return str(answer.url)


def test_a_searcher_signs_in_and_may_search_and_nothing_else(client):
    cast.searcher()
    assert signed_in(client, "sasha") == "/"
    assert client.get("/").status_code == 200
    for page in ("/admin/", "/admin/experts/expert/", "/admin/index/", "/metrics"):
        assert client.get(page).status_code in (401, 403)
    assert "You are signed in as sasha" in client.get("/admin/").content.decode()
    assert client.get("/api/suggest?q=br").status_code == 503  # no index yet


def test_without_staff_status_only_the_permissions_of_searchers_count(client):
    user = cast.searcher()
    user.user_permissions.set(Permission.objects.all())
    client.force_login(user)
    bearer = {"Authorization": f"Bearer {ApiToken.objects.issue(user, 'robot')[1]}"}
    expert = cast.experts(1)[0]
    Expert.objects.filter(pk=expert.pk).update(email="erin@people.example")
    page = client.get(expert.get_absolute_url()).content.decode()
    assert ("erin@people.example" in page, expert.admin_url in page) == (True, False)
    for address in (
        *("/admin/", "/admin/experts/expert/", expert.admin_url, "/admin/experts/expert/import/", "/metrics"),
        *("/admin/index/", "/admin/index/rebuild/", "/admin/index/map/", "/admin/index/lab/"),
        *("/accounts/invitations/", "/api/directory/experts", "/api/admin/ingest/status", "/api/admin/use"),
    ):
        assert client.get(address).status_code in (401, 403), address
        assert client.get(address, headers=bearer).status_code in (401, 403), address
    for address, sent in ((f"/experts/{expert.pk}/tags/reject/", {"tag": "1"}), ("/api/directory/imports", {})):
        assert client.post(address, sent).status_code == 403, address
    Expert.objects.update(is_active=False)
    assert client.get(expert.get_absolute_url()).status_code == 404


def test_a_page_for_searchers_names_no_page_that_they_may_not_see(client):
    client.force_login(cast.searcher())
    page = client.get("/").content.decode()
    assert [line for line in page.splitlines() if "/admin/" in line and "/static/" not in line] == []
    assert 'action="/accounts/sign-out/"' in page


def test_who_has_no_right_to_search_is_refused_in_words(client):
    cast.visitor()
    assert signed_in(client, "vera") == "/"
    answer = client.get("/")
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.content.decode()


def test_staff_who_sign_in_at_the_admin_come_to_the_admin(client):
    cast.staff()
    assert signed_in(client, "sam", "/admin/login/") == "/admin/"


@pytest.mark.parametrize("page", [PAGE, "/admin/login/"])
def test_who_is_signed_in_already_is_led_on_and_never_in_circles(client, page):
    client.force_login(cast.staff())
    assert client.get(page, {"next": "/where/"}).url == "/where/"
    for circle in (page, f"{PAGE}?next={PAGE}"):
        assert client.get(page, {"next": circle}).url in ("/", "/admin/")


def test_a_browser_is_known_again_on_the_page_for_everybody(client):
    cast.searcher()
    signed_in(client, "sasha")
    assert client.cookies[devices.COOKIE]["path"] == "/"


def test_signing_out_leads_to_the_page_to_sign_in(client):
    client.force_login(cast.searcher())
    assert client.post("/accounts/sign-out/").url == PAGE
    assert client.get("/").status_code == 302


def test_a_searcher_changes_their_own_password(client):
    client.force_login(cast.searcher())
    new = "quite another horse"
    sent = {"old_password": cast.PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/accounts/password/", sent).url == "/accounts/password/"
    assert "Your password was changed." in client.get("/accounts/password/").content.decode()
    assert Client().post(PAGE, {"username": "sasha", "password": new}).status_code == 302


def test_who_signs_in_elsewhere_has_no_password_to_change(client):
    user = cast.searcher()
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    assert client.get("/accounts/password/").status_code == 403
