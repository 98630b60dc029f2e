"""Guessing passwords gets slower for who guesses, and for nobody else."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from indexing.models import ApiToken, SignInCount
from indexing.sign_in import counting, devices, limits
from tests.support import cast

pytestmark = pytest.mark.django_db

LIMIT = 3
HOME, AWAY = "192.0.2.1", "192.0.2.2"
LOGIN, TOKEN = "/admin/login/", "/api/admin/auth"
GUESS = "gu3ss-that-must-not-be-kept"


@pytest.fixture(autouse=True)
def limit(settings) -> None:
    settings.TCS_LOGIN_ATTEMPTS = LIMIT


@pytest.fixture(autouse=True)
def later(monkeypatch) -> Callable[[float], None]:
    """Lets this many seconds pass for the counts; otherwise their time stands still."""
    clock = SimpleNamespace(at=timezone.now())
    monkeypatch.setattr(counting, "timezone", SimpleNamespace(now=lambda: clock.at))

    def pass_time(seconds: float) -> None:
        clock.at += timedelta(seconds=seconds)

    return pass_time


def post_page(
    username: str = "sam", password: str = GUESS, address: str = HOME, browser: Client | None = None
) -> Any:
    form = {"username": username, "password": password, "next": "/"}
    return (browser or Client()).post(LOGIN, form, REMOTE_ADDR=address)


def post_api(username: str = "sam", password: str = GUESS, address: str = HOME) -> Any:
    body = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address).post(TOKEN, body, content_type="application/json")


def by_page(*args: Any, **options: Any) -> int:
    return post_page(*args, **options).status_code


def by_api(*args: Any, **options: Any) -> int:
    return post_api(*args, **options).status_code


DONE = {by_page: 302, by_api: 200}
WRONG = {by_page: 200, by_api: 401}


def slowed_down(enter: Any = by_page, **options: Any) -> None:
    for _ in range(LIMIT):
        assert enter(**options) == WRONG[enter]
    assert enter(**options) == 429


def browser_that_signed_in(username: str = "sam", address: str = AWAY) -> Client:
    browser = Client()
    assert by_page(username, cast.PASSWORD, address, browser) == 302
    browser.cookies.pop("sessionid")
    return browser


@pytest.mark.parametrize("enter", [by_page, by_api])
def test_after_too_many_failures_the_right_password_waits_too(enter):
    cast.staff()
    slowed_down(enter)
    assert enter(password=cast.PASSWORD) == 429


def test_both_doors_say_how_long_to_wait(later):
    cast.staff()
    slowed_down()
    page, answer = post_page(), post_api()
    assert page["Retry-After"] == answer["Retry-After"] == "5"
    assert "Try again in 5 seconds" in page.content.decode()
    assert "Try again in 5 seconds" in answer.json()["detail"]
    for _ in range(6):
        later(900)
        assert by_page() == 200
    assert "Try again in 6 minutes" in post_page().content.decode()
    assert post_api()["Retry-After"] == "320"


@pytest.mark.parametrize("enter", [by_page, by_api])
def test_each_further_failure_doubles_the_wait_up_to_the_longest(enter, later):
    cast.staff()
    slowed_down(enter)
    post, waits = (post_page if enter is by_page else post_api), []
    for _ in range(10):
        waits.append(int(post()["Retry-After"]))
        later(waits[-1])
        assert enter() == WRONG[enter]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


def test_it_is_over_after_the_wait_and_not_before(later):
    cast.staff()
    slowed_down()
    later(limits.FIRST_PAUSE - 3)
    assert by_page(password=cast.PASSWORD) == 429
    later(3)
    assert by_page(password=cast.PASSWORD) == 302


def test_what_had_to_wait_makes_nobody_wait_longer(later):
    cast.staff()
    slowed_down()
    for _ in range(5):
        assert by_page() == 429
    later(limits.FIRST_PAUSE)
    assert by_page(password=cast.PASSWORD) == 302


def test_after_a_day_without_a_failure_counting_starts_again(later):
    cast.staff()
    slowed_down()
    later(24 * 3600)
    slowed_down()
    assert int(post_page()["Retry-After"]) == limits.FIRST_PAUSE


@pytest.mark.parametrize(("first", "second"), [(by_page, by_api), (by_api, by_page)])
def test_page_and_api_count_together(first, second):
    cast.staff()
    slowed_down(first)
    assert second(password=cast.PASSWORD) == 429


@pytest.mark.parametrize("enter", [by_page, by_api])
def test_another_name_from_this_address_does_not_wait_and_neither_does_this_name_elsewhere(enter):
    cast.staff()
    cast.staff(username="other")
    slowed_down(enter)
    assert enter(password=cast.PASSWORD, address=AWAY) == DONE[enter]
    assert enter("other", cast.PASSWORD) == DONE[enter]


@pytest.mark.parametrize("enter", [by_page, by_api])
def test_one_address_cannot_try_one_password_on_many_names(enter):
    cast.staff()
    tried = [enter(f"name-{number}") for number in range(limits.MANY * LIMIT + 1)]
    assert tried == [WRONG[enter]] * limits.MANY * LIMIT + [429]
    assert enter(password=cast.PASSWORD) == 429
    assert enter(password=cast.PASSWORD, address=AWAY) == DONE[enter]


def test_an_own_account_does_not_give_the_guesses_on_others_back():
    cast.staff(username="mallory")
    for number in range(limits.MANY * LIMIT):
        assert by_api(f"name-{number}") == 401
        by_api("mallory", cast.PASSWORD)
    assert by_api("another") == 429


@pytest.mark.parametrize("enter", [by_page, by_api])
def test_many_addresses_cannot_guess_one_name(enter):
    cast.staff()
    tried = [enter(address=f"198.51.100.{number}") for number in range(limits.MANY * LIMIT + 1)]
    assert tried == [WRONG[enter]] * limits.MANY * LIMIT + [429]


def test_a_stranger_can_make_a_name_wait_a_minute_at_most(later):
    cast.staff()
    for number in range(40):
        later(limits.LONGEST_OF_A_NAME)
        assert by_api(address=f"198.51.100.{number}") == 401
    assert int(post_api(address=AWAY)["Retry-After"]) == limits.LONGEST_OF_A_NAME


def test_strangers_cannot_lock_out_whoever_signed_in_before():
    """In a browser with the cookie from anywhere, even from the stranger's own address; else from that address."""
    cast.staff()
    browser = browser_that_signed_in()
    assert by_api(password=cast.PASSWORD, address="203.0.113.7") == 200
    for number in range(limits.MANY * LIMIT):
        assert by_page(address=f"198.51.100.{number}") == 200
    assert by_page(address="198.51.100.250") == 429
    for number in range(limits.MANY * LIMIT):
        assert by_page(f"name-{number}", address=HOME) == 200
    assert by_page("another", address=HOME) == 429
    assert by_page(password=cast.PASSWORD, address=HOME, browser=browser) == 302
    assert by_api(password=cast.PASSWORD, address="203.0.113.7") == 200
    assert by_api(password=cast.PASSWORD, address="203.0.113.8") == 429


def test_a_browser_that_signed_in_before_is_slowed_down_by_its_own_failures():
    cast.staff()
    browser = browser_that_signed_in()
    slowed_down(by_page, browser=browser)
    assert by_page(password=cast.PASSWORD, browser=browser) == 429
    assert by_page(password=cast.PASSWORD) == 302


def test_a_browser_is_known_for_the_names_that_signed_in_there_and_for_no_others():
    cast.staff()
    cast.staff(username="other")
    browser = browser_that_signed_in("other")
    slowed_down(by_page, browser=browser)
    assert by_page("other", cast.PASSWORD, HOME, browser) == 302
    assert by_page(password=cast.PASSWORD, address=AWAY, browser=browser) == 302
    cookie = browser.cookies[devices.COOKIE]
    assert cookie["httponly"]
    assert "sam" not in cookie.value


@pytest.mark.parametrize("forged", ["", "x", "eyJhIjogImIifQ:1abcde:xxxxxxxxxxxxxxxxxxxxxxxxxxx", "\x00", "a" * 4000])
def test_a_cookie_of_ones_own_making_is_worth_nothing(forged):
    cast.staff()
    browser = Client()
    browser.cookies[devices.COOKIE] = forged
    slowed_down(by_page, browser=browser)


def test_an_ipv6_caller_is_its_whole_64():
    cast.staff()
    for number in range(LIMIT):
        assert by_api(address=f"2001:db8:1:2::{number + 1:x}") == 401
    assert by_api(address="2001:db8:1:2:ffff:ffff:ffff:ffff") == 429
    assert by_api(address="2001:db8:1:3::1") == 401


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_once_are_not_more_than_one_after_another():
    together, allowed = threading.Barrier(12, timeout=30), Counter[bool]()

    def guess() -> None:
        together.wait()
        attempt = counting.begin(limits.of_a_sign_in("sam", HOME, device="", known=False))
        allowed[attempt.wait == 0] += 1
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert allowed == {True: LIMIT, False: 12 - LIMIT}


def test_whether_a_name_exists_is_not_revealed():
    cast.staff()
    cast.visitor()
    browser_that_signed_in()
    for enter in (by_page, by_api):
        tried = [[enter(name, address=f"203.0.113.{len(name)}") for _ in range(LIMIT + 1)] for name in ("sam", "x")]
        assert tried[0] == tried[1]
    assert by_api("vera", cast.PASSWORD) == WRONG[by_api]  # right, but not staff


def test_whoever_is_signed_in_already_goes_on():
    user = cast.staff("indexing.view")
    client = Client(REMOTE_ADDR=HOME)
    client.force_login(user)
    headers = {"Authorization": f"Bearer {ApiToken.objects.issue(user)[1]}"}
    slowed_down()
    assert client.get("/admin/").status_code == 200
    assert Client(REMOTE_ADDR=HOME).get("/api/admin/ingest/status", headers=headers).status_code == 200


def test_whoever_finds_a_browser_signed_in_cannot_guess_its_password_to_change_it(later):
    user = cast.staff()
    client = Client()
    client.force_login(user)
    new = "another one entirely"

    def change(old: str) -> Any:
        return client.post(
            "/admin/password_change/", {"old_password": old, "new_password1": new, "new_password2": new}
        )

    for _ in range(LIMIT):
        assert "entered incorrectly" in change(GUESS).content.decode()
    assert "Try again in" in change(cast.PASSWORD).content.decode()
    later(limits.FIRST_PAUSE)
    assert change(cast.PASSWORD).status_code == 302
    assert User.objects.get().check_password(new)


def test_signing_in_forgives_ones_own_failures():
    cast.staff()
    for _ in range(3):
        for _ in range(LIMIT - 1):
            assert by_api() == 401
        assert by_api(password=cast.PASSWORD) == 200


def test_sign_ins_and_failures_are_listed_for_administrators():
    cast.staff()
    by_page()
    assert list(AccessAttempt.objects.values_list("username", "ip_address")) == [("sam", HOME)]
    by_page(password=cast.PASSWORD)
    assert list(AccessLog.objects.values_list("username", "ip_address")) == [("sam", HOME)]
    assert not AccessAttempt.objects.exists()


def test_a_guess_is_kept_nowhere(caplog):
    """It may well be the right password of another account. What is typed as a name may be a password too."""
    cast.staff()
    with caplog.at_level("DEBUG"):
        slowed_down(by_page)
        by_api()
    assert GUESS not in caplog.text
    assert cast.PASSWORD not in caplog.text
    kept = [str(row) for model in apps.get_models() for row in model.objects.values_list()]
    assert AccessAttempt.objects.exists()
    assert not [row for row in kept if GUESS in row or cast.PASSWORD in row]
    assert not [row for row in map(str, SignInCount.objects.values_list()) if "sam" in row or HOME in row]
