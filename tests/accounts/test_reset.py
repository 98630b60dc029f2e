"""A new password by mail, where a mail server is set."""

from __future__ import annotations

import re
import threading

import pytest
from django.core import mail
from django.test import Client

from tests.support import cast
from tests.support.waiting import until

pytestmark = pytest.mark.django_db

PAGE = "/accounts/password/reset/"
NEW = {"new_password1": "quite another horse", "new_password2": "quite another horse"}


@pytest.fixture
def mails(settings):
    settings.MAIL_IS_SET = True
    yield mail.outbox
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join(10)


def with_address(email: str = "sasha@example.org"):
    user = cast.searcher()
    user.email = email
    user.save()
    return user


def test_without_a_mail_server_the_page_says_who_helps(client):
    page = client.get("/accounts/sign-in/").content.decode()
    assert PAGE not in page
    assert "Ask an administrator" in page
    assert client.get(PAGE).status_code == 404


def test_a_new_password_by_mail(client, mails):
    with_address()
    assert PAGE in client.get("/accounts/sign-in/").content.decode()
    assert client.post(PAGE, {"email": "Sasha@example.org"}).url == f"{PAGE}sent/"
    until(lambda: bool(mails))
    (link,) = re.findall(r"http://testserver(\S+)", mails[0].body)
    there = client.get(link).url
    assert client.post(there, NEW).url == "/accounts/sign-in/"
    assert "Your password was changed" in client.get("/accounts/sign-in/").content.decode()
    sent = {"username": "sasha", "password": NEW["new_password1"]}
    assert Client().post("/accounts/sign-in/", sent).status_code == 302
    assert "was used already" in Client().get(link, follow=True).content.decode()


def test_nobody_learns_whether_an_address_has_an_account(client, mails):
    with_address()
    answers = [client.post(PAGE, {"email": email}).url for email in ("sasha@example.org", "x@example.org")]
    assert answers[0] == answers[1]


def test_somebody_s_mailbox_is_not_filled(client, mails, settings):
    settings.TCS_LOGIN_ATTEMPTS = 4
    with_address()
    answers = [client.post(PAGE, {"email": "sasha@example.org"}).status_code for _ in range(3)]
    assert answers == [302, 302, 200]
    until(lambda: len(mails) == 2)


def test_who_signs_in_elsewhere_gets_no_mail(client, mails):
    user = with_address()
    user.set_unusable_password()
    user.save()
    assert client.post(PAGE, {"email": "sasha@example.org"}).status_code == 302
    assert not [thread for thread in threading.enumerate() if thread.name == "mail"]
