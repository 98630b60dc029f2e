"""Every URL and the socket, as everybody: against a table. A URL that is in no row fails."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from indexing.console.live_page.consumers import NO_RIGHT, SIGNED_OUT, websocket_urlpatterns
from tests.support import cast
from tests.support.permission_table import TABLE, Row, names
from tests.support.security_cast import Scene, one_of_everything

pytestmark = pytest.mark.django_db(transaction=True)

SINGLE = [
    "indexing.view",
    "indexing.rebuild",
    "indexing.cancel",
    "indexing.publish",
    "experts.import",
    "experts.add_expert",
    "experts.change_expert",
    "experts.delete_expert",
    "experts.view_expert",
    "experts.view_tag",
]
SECRET = "a" * 32
OWN_PAGES = ("console", "own")
"""Doors of pages that people without staff status get, or are refused at."""
LEADS_TO_THE_ADMIN = re.compile(r'(?:href|action|hx-\w+|ws-connect)="/(?:admin/|ws/index/)')


@dataclass(frozen=True)
class Person:
    label: str
    user: User | None

    def may(self, row: Row, needs: tuple[str, ...]) -> bool:
        if self.user is None:
            return False
        if not self.user.is_staff and not (row.door in ("console", "api") and self.user.has_perm("indexing.search")):
            return False
        return not needs or any(self.user.has_perm(permission) for permission in needs)

    @property
    def is_staff(self) -> bool:
        return self.user is not None and self.user.is_staff


def people() -> Iterator[Person]:
    yield Person("nobody", None)
    yield Person("a visitor", cast.visitor())
    yield Person("a searcher", cast.searcher())
    yield Person("plain staff", cast.staff())
    yield Person("a superuser", cast.staff(username="root", superuser=True))


def somebody_with(*permissions: str) -> Person:
    """Staff with these permissions, whose username says which."""
    username = "has " + ",".join(map(str, map(SINGLE.index, permissions)))
    return Person(" and ".join(permissions), cast.staff(*permissions, username=username))


def telling(row: Row, method: str) -> Iterator[tuple[str, ...]]:
    """The permissions that tell whether the page keeps to its row: each that opens it, and all the others together.

    A page is opened by permissions, never closed: where all the others together do not open it, none of them does.
    A method that is not allowed is refused before permissions are looked at.
    """
    if row.door in ("open", "login", "logout", "own"):
        return
    if row.door != "admin" and (row.get if method == "GET" else row.post) == 405:
        return
    needs = needed(row, method)
    yield from ((permission,) for permission in SINGLE if permission in needs)
    yield tuple(permission for permission in SINGLE if permission not in needs)


def needed(row: Row, method: str) -> tuple[str, ...]:
    return row.post_needs if method == "POST" and row.post_needs is not None else row.needs


def expected(row: Row, person: Person, method: str) -> int:
    """The status, when whatever is posted carries the CSRF token."""
    status = row.get if method == "GET" else row.post
    needs = needed(row, method)
    if row.door == "open":
        if method == "POST" and row.post_needs is not None and not person.may(row, row.post_needs):
            return 403 if person.user else 401
        return status
    if row.door == "login":
        return 302 if person.user else 200
    if row.door == "own":
        return status if person.user else 302
    if row.door == "logout":
        if person.is_staff:
            return {"GET": 405, "POST": 302}[method]
        return 403 if person.user else 302
    if status == 405 and (row.door != "admin" or person.is_staff):
        return 405  # said before anything else is asked
    if person.may(row, needs):
        return status
    if row.door == "metrics":
        return 401
    if row.door == "api":
        return 403 if person.user else 401
    if row.door == "admin":
        if person.user and not person.is_staff:
            return 403
        return row.refused if person.is_staff else 302
    return 403 if person.user else 302


@pytest.fixture
def quiet() -> Iterator[None]:
    """Each refusal is logged with its traceback, which takes longer than the refusal."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def scene(settings, quiet) -> Scene:
    return one_of_everything(settings)


class Walker:
    """Asks as one person, who is signed in once; what a request changes is undone."""

    def __init__(self, person: Person, scene: Scene) -> None:
        self.person = person
        self.scene = scene
        self.shown = ""
        """The last page, if it was one."""
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        if person.user is not None:
            self.client.force_login(person.user)
        self.signed_in = {name: cookie.value for name, cookie in self.client.cookies.items()}

    def ask(self, row: Row, method: str, *, csrf: bool = True) -> int:
        path = row.path.format(**self.scene)
        sent = {name: value.format(**self.scene) for name, value in row.send.items()}
        self.client.cookies.clear()
        self.client.cookies.load(self.signed_in | ({django_settings.CSRF_COOKIE_NAME: SECRET} if csrf else {}))
        options: dict[str, object] = {"headers": {"X-CSRFToken": SECRET}} if csrf else {}
        if path.startswith("/api/"):
            options["content_type"] = "application/json"
        with transaction.atomic():
            answer = self.client.get(path) if method == "GET" else self.client.post(path, sent, **options)
            transaction.set_rollback(True)
        self.shown = answer.content.decode(errors="replace") if "html" in answer.get("Content-Type", "") else ""
        return answer.status_code


def test_every_url_has_one_row_in_the_table():
    rows = Counter(row.name for row in TABLE)
    assert rows == Counter(names())


def test_every_url_answers_everybody_as_the_table_says(scene):
    everybody = [Walker(person, scene) for person in people()]
    with_permissions = lru_cache(None)(lambda names: Walker(somebody_with(*names), scene))
    wrong = []
    for row in TABLE:
        for method in ("GET", "POST"):
            for walker in (*everybody, *map(with_permissions, telling(row, method))):
                person = walker.person
                status, due = walker.ask(row, method), expected(row, person, method)
                if status != due:
                    wrong.append(f"{method} {row.path} as {person.label}: {status}, not {due}")
                if row.door in OWN_PAGES and not person.is_staff and LEADS_TO_THE_ADMIN.search(walker.shown):
                    wrong.append(f"{method} {row.path} shows {person.label} a way to the admin")
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("superuser", [False, True])
def test_nothing_is_posted_without_the_csrf_token(scene, superuser):
    """Only a browser's session needs one: the API's sign-in takes a password, and its documents change nothing."""
    free = {
        row.name for row in TABLE if row.path.startswith("/api/") and row.door == "open" and row.post_needs is None
    }
    person = Person("a superuser", cast.staff(superuser=True)) if superuser else Person("nobody", None)
    walker = Walker(person, scene)
    accepted = []
    for row in TABLE:
        status = walker.ask(row, "POST", csrf=False)
        refused = (
            {405} if row.post == 405 and row.door == "api" else {403} if superuser or row.door != "api" else {401}
        )
        if row.name not in free and status not in refused:
            accepted.append(f"{row.path}: {status}")
    assert not accepted


ROLES = {
    "Searcher": {"indexing.search", "experts.view_document"},
    "Index viewer": {"indexing.view"},
    "Index operator": {"indexing.view", "indexing.rebuild", "indexing.cancel"},
    "Index publisher": {"indexing.view", "indexing.rebuild", "indexing.cancel", "indexing.publish"},
    "Directory editor": {
        "experts.import",
        "experts.add_expert",
        "experts.change_expert",
        "experts.view_expert",
        "experts.view_contact",
        "experts.add_document",
        "experts.delete_document",
        "experts.view_document",
        "experts.add_experttag",
        "experts.change_experttag",
        "experts.delete_experttag",
        "experts.view_experttag",
        "experts.add_tag",
        "experts.change_tag",
        "experts.view_tag",
        "indexing.add_synonym",
        "indexing.change_synonym",
        "indexing.delete_synonym",
        "indexing.view_synonym",
    },
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_of_the_migrations_gives_these_permissions_and_no_other(role):
    member = cast.staff()
    member.groups.add(Group.objects.get(name=role))
    assert User.objects.get(pk=member.pk).get_all_permissions() == ROLES[role]


def test_the_permissions_of_the_roles_are_those_that_django_made():
    """The migrations make them before Django does, under the same names: else there would be two of each."""
    call_command("migrate", verbosity=0)
    kept = Permission.objects.filter(content_type__app_label__in=("experts", "indexing"))
    expected = {
        (model._meta.model_name, codename, str(name))
        for label in ("experts", "indexing")
        for model in apps.get_app_config(label).get_models()
        for codename, name in [
            *(
                (f"{action}_{model._meta.model_name}", f"Can {action} {model._meta.verbose_name_raw}")
                for action in model._meta.default_permissions
            ),
            *model._meta.permissions,
        ]
    }
    assert set(kept.values_list("content_type__model", "codename", "name")) == expected


SOCKET = {
    "nobody": SIGNED_OUT,
    "a visitor": NO_RIGHT,
    "a searcher": NO_RIGHT,
    "plain staff": NO_RIGHT,
    **dict.fromkeys(SINGLE, NO_RIGHT),
    "indexing.view": None,
    "a superuser": None,
}
"""Users that may open the socket get its messages; for others it closes with this code."""


async def test_the_socket_is_open_to_those_who_may_see_the_index():
    answers = {}
    for label, cookies in await sync_to_async(cookies_of_everybody)():
        answers[label] = await first_word(cookies)
    assert answers == SOCKET


def cookies_of_everybody() -> list[tuple[str, str]]:
    everybody = [*people(), *map(somebody_with, SINGLE)]
    signed_in = {person.label: Walker(person, {}).signed_in for person in everybody}
    return [(label, "; ".join(map("=".join, cookies.items()))) for label, cookies in signed_in.items()]


async def first_word(cookies: str) -> int | None:
    """The code with which the socket is closed; None when it tells what happens instead."""
    application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
    socket = WebsocketCommunicator(application, "/ws/index/", headers=[(b"cookie", cookies.encode())])
    assert (await socket.connect(10))[0]
    await socket.send_json_to({"run": 0, "after": 0})
    said = await socket.receive_output(10)
    await socket.disconnect()
    if said["type"] == "websocket.send":
        assert "run-status" in said["text"]
        return None
    return said["code"]
