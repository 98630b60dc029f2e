"""Staff invite people who only search, by mail or with a link to hand over."""

from __future__ import annotations

import re
import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import invitations
from accounts.models import Invitation
from tests.support import cast

pytestmark = pytest.mark.django_db

PAGE = "/accounts/invitations/"
CHOSEN = {"new_password1": "quite another horse", "new_password2": "quite another horse"}


@pytest.fixture
def inviting(client: Client) -> Client:
    client.force_login(cast.staff("accounts.invite"))
    return client


def links(page: str) -> list[str]:
    return re.findall(r"http://testserver(/accounts/invitation/[\w-]+/)", page)


def invite(client: Client, emails: str) -> str:
    return client.post(PAGE, {"emails": emails}).content.decode()


def test_without_a_mail_server_the_links_are_shown_once(inviting):
    page = invite(inviting, "Ann@Example.org, bob@example.org\nann@example.org")
    assert len(links(page)) == 2
    assert mail.outbox == []
    again = inviting.get(PAGE).content.decode()
    assert links(again) == []
    assert "ann@example.org" in again
    assert LogEntry.objects.filter(object_repr__contains="invited ann@example.org").count() == 1


def test_with_a_mail_server_the_links_are_sent_and_not_shown(inviting, settings):
    settings.MAIL_IS_SET = True
    page = invite(inviting, "ann@example.org")
    assert links(page) == []
    (sent,) = mail.outbox
    assert sent.to == ["ann@example.org"]
    assert "sam invites you" in sent.body
    assert Client().get(links(sent.body)[0]).status_code == 200


def test_a_link_that_the_mail_server_does_not_take_is_shown(inviting, settings, monkeypatch):
    settings.MAIL_IS_SET = True
    asked = []

    def refuse(self: Any) -> None:
        asked.append(self)
        raise smtplib.SMTPException("no")

    monkeypatch.setattr(invitations.EmailMessage, "send", refuse)
    assert len(links(invite(inviting, "ann@example.org bob@example.org"))) == 2
    assert len(asked) == 1


def test_whoever_accepts_is_signed_in_and_may_search_only(inviting):
    (link,) = links(invite(inviting, "ann@example.org"))
    ann = Client()
    answer = ann.post(link, CHOSEN | {"first_name": "Ann", "last_name": "Lee"})
    assert answer.url == "/"
    user = User.objects.get(username="ann@example.org")
    assert (user.first_name, user.email, user.is_staff) == ("Ann", "ann@example.org", False)
    assert user.get_all_permissions() == {"indexing.search", "experts.view_document"}
    assert ann.get("/").status_code == 200


def test_a_link_works_once(inviting):
    (link,) = links(invite(inviting, "ann@example.org"))
    assert Client().post(link, CHOSEN).status_code == 302
    for answer in (Client().get(link), Client().post(link, CHOSEN)):
        assert answer.status_code == 410
        assert "Ask the person who invited you" in answer.content.decode()
    assert User.objects.filter(email="ann@example.org").count() == 1


def test_of_two_who_open_a_link_at_once_one_gets_the_account():
    invitation, _secret = Invitation.objects.issue("ann@example.org", cast.staff())
    assert invitations.accept(invitation, "a horse", "", "")
    User.objects.filter(email="ann@example.org").update(username="x", email="x@example.org")
    assert invitations.accept(invitation, "a horse", "", "") is None


def test_a_link_expires(inviting):
    (link,) = links(invite(inviting, "ann@example.org"))
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(link).status_code == 410


def test_a_link_is_withdrawn_by_hand_and_by_a_new_one(inviting):
    (first,) = links(invite(inviting, "ann@example.org"))
    (second,) = links(invite(inviting, "ann@example.org"))
    assert [Client().get(each).status_code for each in (first, second)] == [410, 200]
    assert inviting.post(f"{PAGE}{Invitation.objects.open().get().pk}/withdraw/").status_code == 302
    assert Client().get(second).status_code == 410


def test_a_weak_password_is_refused_and_the_link_still_works(inviting):
    (link,) = links(invite(inviting, "ann@example.org"))
    weak = {"new_password1": "ann@example.org", "new_password2": "ann@example.org"}
    assert "too similar" in Client().post(link, weak).content.decode()
    assert Client().post(link, CHOSEN).status_code == 302


def test_whoever_has_an_account_is_not_invited(inviting):
    User.objects.create_user("ann", "Ann@example.org")
    page = invite(inviting, "ann@example.org")
    assert "Already have an account" in page
    assert links(page) == []


def test_a_wrong_address_invites_nobody(inviting):
    page = invite(inviting, "ann@example.org, <b>bob</b>")
    assert "Not an e-mail address: &lt;b&gt;bob&lt;/b&gt;. Nobody was invited." in page
    assert not Invitation.objects.exists()


def test_invitations_are_deleted_long_after_they_ended(inviting):
    invite(inviting, "ann@example.org")
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=91))
    invite(inviting, "bob@example.org")
    assert [each.email for each in Invitation.objects.all()] == ["bob@example.org"]


def test_only_who_may_invite_finds_the_way(client):
    client.force_login(cast.staff("auth.view_user", "accounts.invite"))
    assert PAGE in client.get("/admin/auth/user/").content.decode()
    client.force_login(cast.staff("auth.view_user", username="other"))
    assert PAGE not in client.get("/admin/auth/user/").content.decode()
