"""Tokens end with what they stand for, and when somebody ends them."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from indexing.models import ApiToken
from indexing.models.tokens import MOST
from tests.support import cast

pytestmark = pytest.mark.django_db


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


def test_of_more_than_ten_tokens_of_a_user_the_oldest_end():
    user, other = cast.staff("indexing.view"), cast.staff("indexing.view", username="other")
    others = bearer(other)
    tokens = [bearer(user) for _ in range(MOST + 2)]
    assert [works(each) for each in tokens] == [False] * 2 + [True] * MOST
    assert works(others)


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
