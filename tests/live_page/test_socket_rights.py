"""The socket speaks only to those who may see the index, for as long as they may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

from indexing.console.live_page import consumers
from tests.support import cast
from tests.support.socket_cast import closing_code, in_database, running, tab, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def viewer() -> User:
    return cast.staff("indexing.view", username="vi")


async def test_nobody_signed_in_hears_nothing():
    await in_database(running)()
    async with tab(None) as it:
        await it.open()
        assert await closing_code(it) == consumers.SIGNED_OUT
        assert it.messages == 0
        assert await it.socket.receive_nothing(timeout=0.5)


@pytest.mark.parametrize("person", [cast.staff, cast.visitor])
async def test_somebody_without_the_right_hears_nothing(person):
    await in_database(running)()
    async with tab(await in_database(person)()) as it:
        await it.open()
        assert await closing_code(it) == consumers.NO_RIGHT
        assert it.messages == 0


def take_permission(user: User) -> None:
    user.user_permissions.clear()


def dismiss(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def demote(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


def change_password(user: User) -> None:
    user.set_password("another one entirely")
    user.save()


def sign_out(user: User) -> None:
    Session.objects.all().delete()


def expire(user: User) -> None:
    Session.objects.update(expire_date=timezone.now())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (take_permission, consumers.NO_RIGHT),
        (demote, consumers.NO_RIGHT),
        (dismiss, consumers.SIGNED_OUT),
        (change_password, consumers.SIGNED_OUT),
        (sign_out, consumers.SIGNED_OUT),
        (expire, consumers.SIGNED_OUT),
    ],
)
async def test_an_open_socket_closes_when_the_right_is_gone(viewer, monkeypatch, change, code):
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 0.2)
    run = await in_database(running)()
    async with tab(viewer) as it:
        await it.open(run.pk, after=1)
        await it.take()
        await in_database(change)(viewer)
        assert await closing_code(it) == code
        await in_database(write)(run, 1, 1)
        assert await it.socket.receive_nothing(timeout=0.6)


async def test_a_right_that_is_given_shows_its_buttons_in_the_open_tab(viewer, monkeypatch):
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 0.2)
    async with tab(viewer) as it:
        await it.open()
        await it.until(lambda: "actions" in it.fragments)
        assert "rebuild-button" not in it.fragments["actions"]

        def promote() -> None:
            operator = cast.staff("indexing.rebuild", username="model")
            viewer.user_permissions.add(*operator.user_permissions.all())

        await in_database(promote)()
        await it.until(lambda: "rebuild-button" in it.fragments["actions"])
