"""Signing in with OpenID Connect, with a provider that really runs."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from accounts.models import Identity
from accounts.oidc import backend
from tests.support import cast
from tests.support.oidc_provider import RETURN, START, Provider
from tests.support.services import free_port

pytestmark = pytest.mark.django_db

PAGE = "/accounts/sign-in/"
MANY = {"tcs-search": "Searcher", "tcs-edit": "Directory editor"}


def refusal(answer: Any, client: Client) -> str:
    """The sentence on the page to sign in, where a refused person ends."""
    assert answer.url == PAGE
    assert "_auth_user_id" not in client.session
    return client.get(PAGE).content.decode()


def local(email: str = "ann@example.org", **values: Any) -> User:
    return User.objects.create_user("local", email, cast.PASSWORD, **values)


def test_without_a_provider_there_is_no_single_sign_on(client):
    assert START not in client.get(PAGE).content.decode()
    assert [client.get(each).status_code for each in (START, RETURN)] == [404, 404]


def test_somebody_new_signs_in_and_may_search_only(client, provider):
    assert "Sign in with Example" in " ".join(client.get(PAGE).content.decode().split())
    assert provider.sign_in(client, "7").url == "/"
    user = User.objects.get()
    assert (user.username, user.email, user.get_full_name()) == ("ann@example.org", "ann@example.org", "Ann Lee")
    assert not user.has_usable_password()
    assert not user.is_staff
    assert user.get_all_permissions() == {"indexing.search", "experts.view_document"}
    assert client.get("/").status_code == 200
    assert client.get("/admin/").status_code == 403


def test_they_are_led_on_to_where_they_wanted_to_go_and_nowhere_else(client, provider):
    assert provider.sign_in(client, "7", "/?q=bread").url == "/?q=bread"
    assert provider.sign_in(Client(), "7", "https://evil.example/").url == "/"


def test_a_second_time_it_is_the_same_account_even_with_another_address(client, provider):
    provider.sign_in(client, "7")
    provider.knows("7", email="ann.new@example.org", email_verified=True)
    provider.sign_in(Client(), "7")
    assert User.objects.get().email == "ann.new@example.org"


def test_the_request_is_protected_with_state_nonce_and_pkce(client, provider):
    asked = parse_qs(urlsplit(client.get(START).url).query)
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid email profile"]


def test_an_answer_for_another_browser_or_a_second_time_signs_nobody_in(client, provider):
    back = provider.agree(client.get(START).url, "7").removeprefix("http://testserver")
    other = Client()
    other.get(START)
    for each in (Client(), other):
        assert "Try again" in refusal(each.get(back), each)
    assert client.get(back).url == "/"
    client.post("/accounts/sign-out/")
    assert "Try again" in refusal(client.get(back), client)


def test_who_cancels_there_reads_so(client, provider):
    there = client.get(START).url
    state = parse_qs(urlsplit(there).query)["state"][0]
    answer = client.get(RETURN, {"error": "access_denied", "state": state})
    assert "cancelled or refused there" in refusal(answer, client)


@pytest.mark.parametrize(
    "claims",
    [{"email": "ann@example.org"}, {"email_verified": True}, {"email": "ann@example.org", "email_verified": False}],
)
def test_an_address_must_be_verified(client, provider, claims):
    provider.knows("7", **claims)
    assert "not verified" in refusal(provider.sign_in(client, "7"), client)
    assert not User.objects.exists()


def test_an_account_that_only_searches_is_connected_by_its_address(client, provider):
    user = local()
    provider.sign_in(client, "7")
    assert Identity.objects.get().user == user
    assert User.objects.count() == 1


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_superuser": True}])
def test_a_staff_account_is_not_taken_over_by_its_address(client, provider, rights):
    local("Ann@Example.org", **rights)
    assert "A staff account has your e-mail address" in refusal(provider.sign_in(client, "7"), client)
    assert not Identity.objects.exists()


def test_a_staff_account_is_connected_where_that_is_configured(client, provider, settings):
    settings.TCS_OIDC_LINK_STAFF = True
    user = local(is_staff=True)
    provider.sign_in(client, "7")
    assert client.get("/admin/").status_code == 200
    user.refresh_from_db()
    assert user.is_staff  # still, without a group that says so


def test_an_address_that_went_to_somebody_else_opens_no_account(client, provider):
    provider.sign_in(client, "7")
    provider.knows("8", email="ann@example.org", email_verified=True)
    other = Client()
    assert "somebody else" in refusal(provider.sign_in(other, "8"), other)


def test_who_is_deactivated_does_not_get_in_nor_stay(client, provider):
    provider.sign_in(client, "7")
    User.objects.update(is_active=False)
    assert client.get("/").status_code == 302
    other = Client()
    assert "deactivated" in refusal(provider.sign_in(other, "7"), other)


def test_groups_of_the_provider_give_and_take_rights(client, provider, settings):
    settings.TCS_OIDC_GROUPS = MANY
    ann = {"email": "ann@example.org", "email_verified": True}
    provider.knows("7", **ann, groups=["tcs-edit", "tcs-search", "football"])
    provider.sign_in(client, "7")
    user = User.objects.get()
    own = Group.objects.get(name="Index viewer")
    user.groups.add(own)
    assert client.get("/admin/experts/expert/").status_code == 200
    provider.knows("7", **ann, groups=["tcs-search"])
    provider.sign_in(Client(), "7")
    user.refresh_from_db()
    assert not user.is_staff
    assert {group.name for group in user.groups.all()} == {"Searcher", "Index viewer"}  # one was given here
    provider.knows("7", **ann, groups=[])
    other = Client()
    assert "None of your groups" in refusal(provider.sign_in(other, "7"), other)
    assert list(user.groups.all()) == [own]


def test_without_a_group_of_the_mapping_nobody_gets_an_account(client, provider, settings):
    settings.TCS_OIDC_GROUPS = MANY
    assert "None of your groups" in refusal(provider.sign_in(client, "7"), client)
    assert not User.objects.exists()


def test_a_provider_that_is_away_is_named_and_passwords_still_work(client, provider, settings):
    cast.searcher()
    settings.TCS_OIDC_ISSUER = f"http://127.0.0.1:{free_port()}"
    assert "Example does not answer" in refusal(client.get(START), client)
    sent = {"username": "sasha", "password": cast.PASSWORD}
    assert client.post(PAGE, sent).url == "/"
    assert client.get("/").status_code == 200


def test_a_provider_that_calls_itself_otherwise_is_not_used(client, provider, settings):
    settings.TCS_OIDC_ISSUER = provider.issuer.replace("127.0.0.1", "localhost") + "/other/.."
    assert "does not answer" in refusal(client.get(START), client)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://evil.example"}, "the token is from"),
        ({"aud": "another"}, "for another application"),
        ({"aud": ["tcs", "another"], "azp": "another"}, "for another application"),
        ({"exp": 1}, "has expired"),
        ({"sub": ""}, "names nobody"),
    ],
)
def test_a_token_that_is_not_for_us_is_refused(client, provider, monkeypatch, caplog, changed, why):
    decoded = backend.OidcBackend.verify_token
    monkeypatch.setattr(
        backend.OidcBackend, "verify_token", lambda *args, **kwargs: decoded(*args, **kwargs) | changed
    )
    assert "Signing in failed" in refusal(provider.sign_in(client, "7"), client)
    assert why in caplog.text


def test_signing_in_there_is_no_guess_at_a_password(client, provider: Provider, settings):
    """Neither counted nor made to wait: else whoever fails there would lock the others out."""
    settings.TCS_LOGIN_ATTEMPTS = 1
    provider.knows("7", email="ann@example.org")
    for _ in range(5):
        assert "not verified" in refusal(provider.sign_in(client, "7"), client)
    provider.knows("7", email="ann@example.org", email_verified=True)
    assert provider.sign_in(client, "7").url == "/"
