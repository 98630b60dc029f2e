"""Nobody fills the server's memory or disk: bodies are refused by what their head says, before they are read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from io import BytesIO
from pathlib import Path

import httpx
import psutil
import pytest
from django.urls import reverse
from PIL import Image

from experts.importing.uploads import delete_leftovers
from tcs_site.http_server import bodies
from tests.support import strangers
from tests.support.permission_table import TABLE
from tests.support.server import PLAIN, Server, Site, serving
from tests.support.strangers import MB, connected, everything, head, push, status
from tests.support.waiting import until

IMPORT = bodies.IMPORT.decode()
HUGE = 400 * MB
SIGN_IN = """
from django.conf import settings
from django.test import Client
from experts.models import Expert
from tests.support import cast
Expert.objects.create(username="zoe")
EDIT = [f"experts.{action}_expert" for action in ("view", "change", "add")]
people = (("imp", ("experts.import", "experts.view_expert")), ("vi", ("experts.view_expert",)), ("ed", EDIT))
for name, rights in people:
    client = Client()
    client.force_login(cast.staff(*rights, username=name))
    print(client.cookies[settings.SESSION_COOKIE_NAME].value)
"""
TOKENS = """
from django.contrib.auth.models import User
from indexing.models import ApiToken
for name in ("imp", "vi"):
    print(ApiToken.objects.issue(User.objects.get(username=name), "robot")[1])
"""
EDITOR_TOKENS = """
from django.contrib.auth.models import Permission, User
from indexing.models import ApiToken
ed = User.objects.get(username="ed")
ed.user_permissions.add(Permission.objects.get(codename="add_document"))
for user in (User.objects.get(username="vi"), ed):
    print(ApiToken.objects.issue(user, "robot")[1])
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated) -> Site:
    given = {"TCS_WORKER": "external", "TCS_IMPORT_MAX_MB": "8"}
    return Site.like(migrated, tmp_path_factory.mktemp("bodies"), given)


@pytest.fixture(scope="module")
def sessions(site: Site) -> list[str]:
    """Cookies of somebody who may import, of somebody who may only look, and of an editor."""
    return [f"sessionid={key}" for key in site.run(SIGN_IN).split()]


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Server]:
    with serving(site) as server:
        yield server


def uploads(site: Site, kind: str = "*") -> list[Path]:
    return sorted((site.folder / "imports").glob(kind))


def memory(server: Server) -> float:
    return psutil.Process(server.process.pid).memory_info().rss / MB


# --- Strangers ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", strangers.KINDS)
@pytest.mark.parametrize("path", ["/", "/healthz", "/admin/login/", "/api/admin/auth", IMPORT])
def test_a_huge_body_of_a_stranger_is_refused_unread(server, site, kind, path):
    before = memory(server)
    taken = push(server.port, kind, path, HUGE)
    assert taken.status in (403, 411, 413)
    assert taken.closed
    assert taken.megabytes <= 5
    assert memory(server) - before < 50
    assert server.get("/healthz").status_code == 200
    assert uploads(site) == []


@pytest.mark.parametrize("kind", strangers.KINDS)
def test_who_goes_on_sending_after_the_refusal_is_cut_off(server, kind):
    taken = push(server.port, kind, "/admin/login/", HUGE, stubborn=True)
    assert taken.closed
    assert taken.megabytes <= 5


def test_a_made_up_session_does_not_open_the_import(server, site):
    taken = push(server.port, "multipart", IMPORT, 4 * MB, "Cookie: sessionid=abcdefghijklmnopqrstuvwxyz012345")
    assert taken.status == 403
    assert uploads(site) == []


@pytest.mark.parametrize("path", ["/api/admin/auth", "/admin/login/"])
def test_one_byte_too_many_is_refused_and_one_less_is_not(server, path):
    with connected(server.port) as stranger:
        stranger.sendall(head("POST", path, f"Content-Length: {bodies.LARGEST + 1}"))
        refused = everything(stranger).decode()
    assert " 413 " in refused
    assert "at most 1024 KB" in refused
    assert ('{"detail"' in refused) == path.startswith("/api/")
    with connected(server.port) as stranger:
        stranger.sendall(head("POST", path, f"Content-Length: {bodies.LARGEST}") + b"x" * bodies.LARGEST)
        assert status(stranger) in (403, 422)


def test_a_refusal_is_in_the_language_of_the_browser_where_it_is_translated(server):
    with connected(server.port) as stranger:
        stranger.sendall(head("POST", "/", "Content-Length: 1", "Accept-Language: nl"))
        assert b" 413 " in everything(stranger)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "BREW"])
def test_methods_without_a_body_may_not_have_one(server, method):
    with connected(server.port) as stranger:
        stranger.sendall(head(method, "/api/search?q=x", "Content-Length: 1"))
        assert status(stranger) == 413


def test_who_asks_before_sending_gets_the_refusal_before_sending(server):
    with connected(server.port) as stranger:
        stranger.sendall(head("POST", "/admin/login/", f"Content-Length: {HUGE}", "Expect: 100-continue"))
        assert status(stranger) == 413
    with connected(server.port) as stranger:
        stranger.sendall(head("POST", "/admin/login/", "Content-Length: 1", "Expect: 100-continue"))
        assert status(stranger) == 100


def test_the_bodies_of_all_strangers_together_are_limited(server):
    many = bodies.BUDGET // bodies.LARGEST
    large = head("POST", "/api/admin/auth", f"Content-Length: {bodies.LARGEST}")
    with ExitStack() as stack:
        for _ in range(many):
            stack.enter_context(connected(server.port)).sendall(large)
        until(lambda: is_refused(server, large))
        answer = httpx.post(
            f"{server.url}/api/admin/auth", json={"username": "a", "password": "b"}, timeout=30, verify=PLAIN
        )
        assert answer.status_code == 401
    until(lambda: not is_refused(server, large))


def is_refused(server: Server, opening: bytes) -> bool:
    with connected(server.port) as stranger:
        stranger.settimeout(0.5)
        stranger.sendall(opening)
        try:
            return status(stranger) == 503
        except TimeoutError:
            return False


# --- Requests that two readers would read differently ---------------------------------------------------------
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Content-Length: 5"],
        ["Content-Length: 5", "Content-Length: 50"],
        ["Content-Length: 5, 5"],
        ["Content-Length: +5"],
        ["Content-Length: -5"],
        ["Content-Length: 0x5"],
        ["Content-Length: " + "9" * 5_000],
        ["Content-Length : 5"],
        ["Content-Length:", " 5"],
        ["X: y", "\tContent-Length: 5"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Transfer-Encoding: identity", "Content-Length: 5"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding:\x0bchunked"],
        ["Transfer-Encoding: chunked"],
    ],
)
def test_an_unclear_length_ends_the_connection(server, lines):
    with connected(server.port) as stranger:
        stranger.sendall(head("POST", "/api/admin/auth", *lines) + b"0\r\n\r\n" + SMUGGLED)
        answer = everything(stranger)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.split()[1] in (b"400", b"411", b"413")


# --- Who may import -----------------------------------------------------------------------------------------
def test_only_who_may_import_sends_a_large_file(server, site, sessions):
    importer, viewer, _editor = sessions
    taken = push(server.port, "multipart", IMPORT, 4 * MB, f"Cookie: {viewer}")
    assert taken.status == 403
    assert uploads(site) == []
    assert push(server.port, "text", IMPORT, 4 * MB, f"Cookie: {importer}").status == 413
    assert push(server.port, "multipart", "/admin/login/", 4 * MB, f"Cookie: {importer}").status == 413
    assert push(server.port, "multipart", IMPORT, 10 * MB, f"Cookie: {importer}").status == 413


def test_a_program_that_may_import_sends_a_large_file_to_the_api(server, site, sessions):
    importer, viewer = site.run(TOKENS).split()
    address, files = f"{server.url}{bodies.API_IMPORT.decode()}", {"file": ("people.csv", large_file())}
    for token in (viewer, "unknown"):
        taken = push(server.port, "multipart", bodies.API_IMPORT.decode(), 4 * MB, f"Authorization: Bearer {token}")
        assert (taken.status, uploads(site)) == (403, [])
    answer = httpx.post(
        address, files=files, headers={"Authorization": f"Bearer {importer}"}, timeout=60, verify=PLAIN
    )
    assert (answer.status_code, answer.json()["counts"]["new"]) == (200, 7_000)
    (stored,) = uploads(site, "*.csv")
    assert stored.read_bytes() == large_file()
    for path in uploads(site):
        path.unlink()


def test_a_program_that_may_change_experts_sends_documents_and_photos(server, site, sessions):
    viewer, editor = site.run(EDITOR_TOKENS).split()
    zoe = f"{bodies.API_EXPERTS.decode()}zoe"
    assert push(server.port, "multipart", f"{zoe}/documents", 4 * MB, f"Authorization: Bearer {viewer}").status == 403
    assert (
        push(server.port, "multipart", f"{zoe}/documents", 12 * MB, f"Authorization: Bearer {editor}").status == 413
    )
    with httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {editor}"}, timeout=60, verify=PLAIN
    ) as program:
        sent = program.post(f"{zoe}/documents", files={"file": ("cv.txt", b"Tunes organs. " * 200_000)})
        assert (sent.status_code, sent.json()["size"]) == (201, 2_800_000)
        assert program.put(f"{zoe}/photo", content=grainy_picture()).status_code == 204
        assert program.put(f"{zoe}/photo", content=b"x" * 11 * MB).status_code == 413


def grainy_picture() -> bytes:
    target = BytesIO()
    Image.frombytes("RGB", (900, 900), os.urandom(900 * 900 * 3)).save(target, "PNG")
    return target.getvalue()


def large_file() -> bytes:
    rows = "".join(f"person-{number},{'Likes tea. ' * 40}\n" for number in range(7_000))
    return ("Username,Bio\n" + rows).encode()


def signed_in(server: Server, cookie: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Cookie": cookie}, timeout=60, verify=PLAIN)


def test_a_large_file_is_stored_once_and_imported(server, site, sessions):
    """Its fields come after it, so they are read after it has been written over the start of the body."""
    importer, *_others = sessions
    file = large_file()
    with signed_in(server, importer) as browser:
        form = browser.get(IMPORT)
        token = form.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        browser.headers["Cookie"] = f"{importer}; csrftoken={form.cookies['csrftoken']}"
        sent = browser.post(
            IMPORT,
            headers={"X-CSRFToken": token},
            files={"file": ("people.csv", file, "text/csv"), "sync": (None, "on"), "skip_bad": (None, "on")},
        )
        assert sent.status_code == 302, sent.text
        (stored,) = uploads(site)
        assert stored.suffix == ".csv"
        assert stored.read_bytes() == file
        assert stored.stat().st_mode & 0o777 == 0o600
        page = browser.get(sent.headers["Location"])
        assert "7,000" in page.text
        assert "will be deactivated" in page.text


def test_a_large_file_without_the_token_of_the_form_is_refused_and_removed(server, site, sessions):
    before = uploads(site)
    with signed_in(server, sessions[0]) as browser:
        sent = browser.post(IMPORT, files={"file": ("people.csv", large_file(), "text/csv")})
    assert sent.status_code == 403
    until(lambda: uploads(site) == before)


def test_only_an_editor_sends_large_documents_and_not_too_many(server, sessions, settings):
    importer, _viewer, editor = sessions
    add = reverse("admin:experts_expert_add")
    most = bodies.FILES_AT_ONCE * settings.TCS_DOCUMENT_MAX_MB
    assert push(server.port, "multipart", add, 4 * MB).status == 403
    assert push(server.port, "multipart", add, 4 * MB, f"Cookie: {importer}").status == 403
    assert push(server.port, "text", add, 4 * MB, f"Cookie: {editor}").status == 413
    assert push(server.port, "multipart", add, (most + 2) * MB, f"Cookie: {editor}").status == 413
    with signed_in(server, editor) as browser:
        form = browser.get(add)
        token = form.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        browser.headers["Cookie"] = f"{editor}; csrftoken={form.cookies['csrftoken']}"
        file = ("cv.txt", b"Keeps bees. " * 200_000, "text/plain")
        sent = browser.post(add, headers={"X-CSRFToken": token}, files={"documents-0-file": file})
    assert sent.status_code == 200
    assert "This field is required." in sent.text


def test_what_is_left_of_an_upload_after_a_kill_is_removed_and_what_arrives_is_not(site, sessions, settings):
    settings.DATA_DIR = site.folder
    opening, body = strangers.request("multipart", IMPORT, 4 * MB, f"Cookie: {sessions[0]}")
    with serving(site) as server, connected(server.port) as browser:
        browser.sendall(opening + next(body) + next(body))
        (part,) = until(lambda: uploads(site, "*.upload"))
        assert delete_leftovers() == 0
        server.process.kill()
        server.process.wait()
    assert part.exists()
    assert delete_leftovers() == 1
    assert not part.exists()


def test_the_address_of_the_import_is_the_one_that_the_server_knows():
    assert reverse("admin:experts_expert_import") == IMPORT


def test_every_page_that_takes_a_form_may_be_sent_one():
    forms = [row.path.partition("?")[0] for row in TABLE if row.post != HTTPStatus.METHOD_NOT_ALLOWED]
    heads = [bodies.Head(b"POST", path.encode(), 500, False, b"application/x-www-form-urlencoded") for path in forms]
    assert [path for path, head in zip(forms, heads, strict=True) if bodies.refusal(head)] == []
    assert "/not-a-match/" in forms
