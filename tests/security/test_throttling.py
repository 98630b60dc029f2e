"""Guessing passwords is slowed down for who guesses, and for nobody else; tokens end when they should."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from indexing.models import ApiToken
from tests.support import cast

pytestmark = pytest.mark.django_db

LIMIT = 3
HOME, AWAY = "192.0.2.1", "192.0.2.2"
LOGIN, TOKEN = "/admin/login/", "/api/admin/auth"
GUESS = "gu3ss-that-must-not-be-kept"


@pytest.fixture(autouse=True)
def limit(settings) -> None:
    settings.AXES_FAILURE_LIMIT = LIMIT


def by_page(username: str = "sam", password: str = GUESS, address: str = HOME) -> int:
    form = {"username": username, "password": password, "next": "/"}
    return Client(REMOTE_ADDR=address).post(LOGIN, form).status_code


def by_api(username: str = "sam", password: str = GUESS, address: str = HOME) -> int:
    body = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address).post(TOKEN, body, content_type="application/json").status_code


def locked_out(enter: Any = by_page) -> None:
    for _ in range(LIMIT):
        enter()
    assert enter(password=cast.PASSWORD) == 429


@pytest.mark.parametrize(("enter", "wrong"), [(by_page, 200), (by_api, 401)])
def test_after_too_many_failures_the_right_password_waits_too(enter, wrong):
    cast.staff()
    assert [enter() for _ in range(LIMIT)] == [wrong] * (LIMIT - 1) + [429]
    assert enter(password=cast.PASSWORD) == 429


@pytest.mark.parametrize("enter", [by_page, by_api])
def test_only_this_name_from_this_address_waits(enter):
    cast.staff()
    cast.staff(username="other")
    locked_out(enter)
    done = 302 if enter is by_page else 200
    assert enter(password=cast.PASSWORD, address=AWAY) == done
    assert enter("other", cast.PASSWORD) == done


@pytest.mark.parametrize(("first", "second"), [(by_page, by_api), (by_api, by_page)])
def test_page_and_api_count_together(first, second):
    cast.staff()
    locked_out(first)
    assert second(password=cast.PASSWORD) == 429


def test_it_is_over_after_the_cool_off_and_not_before():
    cast.staff()
    locked_out()
    cool_off = timedelta(hours=django_settings.AXES_COOLOFF_TIME)
    AccessAttempt.objects.update(attempt_time=timezone.now() - cool_off + timedelta(seconds=30))
    assert by_page(password=cast.PASSWORD) == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - cool_off - timedelta(seconds=1))
    assert by_page(password=cast.PASSWORD) == 302


def test_whether_a_name_exists_is_not_revealed():
    cast.staff()
    for enter in (by_page, by_api):
        assert [enter("sam") for _ in range(LIMIT + 1)] == [enter("nobody") for _ in range(LIMIT + 1)]


def test_whoever_is_signed_in_already_goes_on():
    user = cast.staff("indexing.view")
    client = Client(REMOTE_ADDR=HOME)
    client.force_login(user)
    headers = bearer(user)
    locked_out()
    assert client.get("/admin/").status_code == 200
    assert Client(REMOTE_ADDR=HOME).get("/api/admin/ingest/status", headers=headers).status_code == 200


def test_a_guess_is_kept_nowhere(caplog):
    """It may well be the right password of another account."""
    cast.staff()
    with caplog.at_level("DEBUG"):
        locked_out(by_page)
        locked_out(by_api)
    assert GUESS not in caplog.text
    assert cast.PASSWORD not in caplog.text
    kept = [str(row) for model in apps.get_models() for row in model.objects.values_list()]
    assert AccessAttempt.objects.exists()
    assert not [row for row in kept if GUESS in row or cast.PASSWORD in row]


# --- Tokens -------------------------------------------------------------------------------------------------
def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {ApiToken.objects.issue(user)[1]}"}


def works(headers: dict[str, str]) -> bool:
    return Client().get("/api/admin/ingest/status", headers=headers).status_code == 200


def change_password(user: User) -> None:
    user.set_password("another one entirely")
    user.save()


def change_password_behind_djangos_back(user: User) -> None:
    user.set_password("another one entirely")
    User.objects.filter(pk=user.pk).update(password=user.password)


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


def deactivate_and_activate(user: User) -> None:
    deactivate(user)
    user.is_active = True
    user.save()


def deactivate_many(user: User) -> None:
    User.objects.update(is_active=False)


def demote(user: User) -> None:
    User.objects.update(is_staff=False)


def delete(user: User) -> None:
    user.delete()


def take_the_right(user: User) -> None:
    user.user_permissions.clear()


@pytest.mark.parametrize(
    "change",
    [
        change_password,
        change_password_behind_djangos_back,
        deactivate,
        deactivate_and_activate,
        deactivate_many,
        demote,
        delete,
        take_the_right,
    ],
)
def test_a_token_ends_with_what_it_stands_for(change):
    user = cast.staff("indexing.view")
    tokens = [bearer(user), bearer(user)]
    others = bearer(cast.staff("indexing.view", username="other"))
    assert all(map(works, [*tokens, others]))
    change(user)
    assert not any(map(works, tokens))
    if change not in (deactivate_many, demote):
        assert works(others)


def test_a_user_who_is_saved_otherwise_keeps_the_tokens():
    user = cast.staff("indexing.view")
    headers = bearer(user)
    user.first_name = "Samuel"
    user.save()
    assert works(headers)


@pytest.fixture
def keeper(client) -> Client:
    client.force_login(cast.staff("indexing.view_apitoken", "indexing.change_apitoken", username="keeper"))
    return client


LIST = "/admin/indexing/apitoken/"


def test_a_token_is_revoked_in_the_admin_and_that_is_audited(keeper):
    headers, other = bearer(cast.staff("indexing.view")), bearer(cast.staff("indexing.view", username="other"))
    token = ApiToken.objects.get(user__username="sam")
    keeper.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    assert not works(headers)
    assert works(other)
    entry = LogEntry.objects.get(user__username="keeper")
    assert (entry.object_id, entry.content_type.model) == (str(token.pk), "apitoken")
    first = ApiToken.objects.get(pk=token.pk).revoked_at
    keeper.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    assert ApiToken.objects.get(pk=token.pk).revoked_at == first


def test_the_admin_shows_no_secret_and_makes_no_token(keeper):
    token, secret = ApiToken.objects.issue(cast.staff())
    for path in (LIST, f"{LIST}{token.pk}/change/"):
        page = keeper.get(path).content.decode()
        assert "sam" in page
        assert secret not in page
        assert token.digest not in page
        assert token.password_mark not in page
    assert keeper.get(f"{LIST}add/").status_code == 403


def test_a_token_cannot_be_prolonged_or_given_away_in_the_admin(keeper):
    token, _secret = ApiToken.objects.issue(cast.staff())
    sent = {"user": User.objects.get(username="keeper").pk, "expires_at_0": "2999-01-01", "expires_at_1": "00:00:00"}
    keeper.post(f"{LIST}{token.pk}/change/", sent)
    kept = ApiToken.objects.get(pk=token.pk)
    assert (kept.user.username, kept.expires_at) == ("sam", token.expires_at)


def test_who_may_only_see_tokens_revokes_none(client):
    client.force_login(cast.staff("indexing.view_apitoken", username="seer"))
    headers = bearer(cast.staff("indexing.view"))
    client.post(LIST, {"action": "revoke", "_selected_action": [ApiToken.objects.get().pk]})
    assert works(headers)


def test_the_list_of_tokens_cannot_be_searched_by_what_is_secret(keeper):
    token, _secret = ApiToken.objects.issue(cast.staff())
    for lookup in ("user__password__startswith", "user__email__contains", "user__groups__name"):
        assert keeper.get(LIST, {lookup: "m"}).status_code == 400
    assert token.digest
