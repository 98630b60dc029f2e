"""The Content-Security-Policy is strict, and no page needs more than it allows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.test import Client

from indexing.runs import status
from tests.support import cast
from tests.support.html_reading import blocked_by_csp, parse_html
from tests.support.permission_table import TABLE
from tests.support.security_cast import Scene, one_of_everything

pytestmark = pytest.mark.django_db(transaction=True)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
UNWANTED = re.compile(
    r"\beval\(|new Function\(|\.innerHTML\s*=(?!=)|insertAdjacentHTML|document\.write|setAttribute\(.style"
)
NOWHERE = ("'unsafe-inline'", "'unsafe-eval'", "'strict-dynamic'", "*", "http:", "data:", "blob:")


def directives(answer) -> dict[str, list[str]]:
    parts = answer["Content-Security-Policy"].split(";")
    return {part.split()[0]: part.split()[1:] for part in parts if part.strip()}


def wanting(answer) -> list[str]:
    """What the headers lack."""
    lacking = [f"{name}: {answer.get(name)}" for name, value in HEADERS.items() if answer.get(name) != value]
    return lacking if "Content-Security-Policy" in answer else [*lacking, "no policy"]


@pytest.mark.parametrize(
    "html",
    [
        "<script>x()</script>",
        "<p onclick='x()'>",
        "<p style='color: red'>",
        "<style>p {}</style>",
        "<a href=' javascript:x()'>",
        "<script src='//elsewhere/x.js'></script>",
        "<form action='javascript:x()'>",
        "<link rel='stylesheet' href='https://elsewhere/x.css'>",
        "<p hx-on:click='x()'>",
    ],
)
def test_these_tests_would_see_what_the_policy_blocks(html):
    assert blocked_by_csp(parse_html(f"<html><body><p>a<br>{html}</body></html>"))
    assert not blocked_by_csp(parse_html("<script type='application/json'>{}</script><script src='/x.js'></script>"))


@pytest.fixture
def scene(settings) -> Scene:
    return one_of_everything(settings)


def signed_in() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(cast.staff(username="root", superuser=True))
    return client


def test_the_policy_lets_nothing_run_that_is_not_ours(client):
    policy = directives(client.get("/admin/login/"))
    for name in ("default-src", "script-src", "style-src", "connect-src", "form-action", "base-uri"):
        assert policy[name] == ["'self'"], name
    assert policy["object-src"] == policy["frame-ancestors"] == ["'none'"]
    others = {name: sources for name, sources in policy.items() if name != "img-src"}
    assert not [(name, source) for name, sources in others.items() for source in sources if source in NOWHERE]
    assert policy["img-src"] == ["'self'"]


def test_every_page_does_without_what_the_policy_blocks(scene):
    client, found, pages = signed_in(), [], 0
    for row in TABLE:
        for headers in ({}, {"HX-Request": "true"}) if row.door == "console" else ({},):
            path = row.path.format(**scene)
            answer = client.get(path, headers=headers)
            found += [f"{path}: {each}" for each in wanting(answer)]
            if answer["Content-Type"].startswith("text/html"):
                found += [f"{path}: {each}" for each in blocked_by_csp(parse_html(answer.content.decode()))]
                pages += 1
    assert pages > 80
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize("signed", [True, False])
def test_so_do_the_pages_that_refuse_and_fail(signed, monkeypatch):
    def fail() -> None:
        raise KeyError("oops")

    def suspect() -> None:
        raise SuspiciousOperation("oops")

    client = signed_in() if signed else Client(raise_request_exception=False)
    strict = Client(enforce_csrf_checks=True)
    other = Client()
    other.force_login(cast.staff(username="other"))
    answers = {
        404: client.get("/nothing"),
        403: other.get("/admin/index/"),
        # the CSRF check's own page
        "csrf": strict.post("/admin/login/", {"username": "x"}),
        "wrong method": client.post("/healthz"),
        "api": client.get("/api/nothing"),
        "wrong password": client.post("/admin/login/", {"username": "x", "password": "y"}),
        "signed out": other.post("/admin/logout/"),
    }
    for name, trouble in ((500, fail), (400, suspect)):
        monkeypatch.setattr(status, "current_status", trouble)
        answers[name] = client.get("/admin/index/")
        assert answers[name].status_code == (name if signed else 302)
    for _ in range(settings.TCS_LOGIN_ATTEMPTS + 1):
        locked = Client().post("/admin/login/", {"username": "guessed", "password": "wrong"})
    answers[429] = locked
    assert locked.status_code == 429
    found = []
    for name, answer in answers.items():
        found += [f"{name}: {each}" for each in wanting(answer)]
        if answer["Content-Type"].startswith("text/html"):
            found += [f"{name}: {each}" for each in blocked_by_csp(parse_html(answer.content.decode()))]
        assert "oops" not in answer.content.decode()
        assert "Traceback" not in answer.content.decode()
    assert not found, "\n".join(["", *found])


@pytest.fixture
def _static_files(settings) -> None:
    """As a server has them; other tests' clients do not look for them."""
    settings.SERVESTATIC_USE_FINDERS = True


@pytest.mark.usefixtures("_static_files")
async def test_static_files_are_not_sniffed(async_client):
    answer = await async_client.get("/static/indexing/runs/live_page.js")
    assert answer.status_code == 200
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../manage.py",
        "/static/%2e%2e/manage.py",
        "/static/..%2fmanage.py",
        "/static//etc/passwd",
        "/static/indexing/%00",
        "/manage.py",
    ],
)
@pytest.mark.usefixtures("_static_files")
async def test_nothing_but_static_files_is_served_as_one(async_client, path):
    answer = await async_client.get(path)
    assert answer.status_code in (302, 400, 404)


def test_our_scripts_evaluate_no_text():
    """htmx is configured not to; our own scripts have no reason to."""
    for script in (Path(settings.BASE_DIR) / "static").rglob("*.js"):
        assert not UNWANTED.search(script.read_text()), script
    page = signed_in().get("/").content.decode()
    metas = {each.attributes.get("name"): each.attributes for each in parse_html(page).walk() if each.tag == "meta"}
    configured = json.loads(metas["htmx-config"]["content"])
    assert configured["allowEval"] is False
    assert configured["includeIndicatorStyles"] is False
