"""Bundles of static files, and what is compressed."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.template import Context, Template
from django.test import RequestFactory

from tcs_site import compression
from tcs_site.static_files import prepare
from tcs_site.static_files.bundles import BUNDLES, joined
from tests.support import cast

LONG = "words " * 200


def rendered(name: str, options: str = "") -> str:
    return Template(f'{{% load bundles %}}{{% bundle "{name}" {options} %}}').render(Context())


@pytest.mark.parametrize("name", BUNDLES)
def test_every_bundle_is_of_files_that_there_are_and_loads_each_where_none_is_prepared(name):
    assert all(finders.find(source) for source in BUNDLES[name])
    shown = rendered(name)
    assert re.findall(r'(?:src|href)="/static/([^"]+)"', shown) == list(BUNDLES[name])


def test_a_prepared_bundle_is_one_link(settings):
    settings.STATIC_ROOT = "/prepared"
    assert rendered("indexing/shared/site-bundle.js") == (
        '<script src="/static/indexing/shared/site-bundle.js" defer></script>'
    )
    assert rendered("indexing/shared/head-bundle.js", "now=True").endswith('head-bundle.js"></script>')


def test_what_is_for_paper_stays_for_paper():
    name = "indexing/shared/site-bundle.css"
    assert rendered(name).count('media="print"') == 1
    contents = [f"/* {source} */" for source in BUNDLES[name]]
    assert "@media print {\n/* indexing/shared/print.css */\n}" in joined(name, contents)


def test_a_changed_source_is_prepared_again(tmp_path, settings):
    settings.STATICFILES_DIRS = [tmp_path]
    finders.get_finder.cache_clear()
    try:
        (tmp_path / "a.css").write_text("a{}")
        before = prepare.fingerprint()
        assert prepare.fingerprint() == before
        (tmp_path / "a.css").write_text("a{b:c}")
        assert prepare.fingerprint() != before
    finally:
        finders.get_finder.cache_clear()


@pytest.mark.django_db
def test_pages_and_json_are_compressed_but_for_those_with_secrets(client):
    client.force_login(cast.staff(superuser=True))

    def encoding(path: str) -> str:
        response = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert response.status_code == 200
        return response.headers.get("Content-Encoding", "")

    assert encoding("/") == "gzip"
    assert encoding("/api/openapi.json") == "gzip"
    assert encoding("/api/docs") == ""
    assert encoding("/accounts/password/") == ""


@pytest.mark.parametrize(
    ("method", "path", "response", "expected"),
    [
        ("get", "/", HttpResponse(LONG), True),
        ("post", "/", HttpResponse(LONG), False),
        ("get", "/accounts/invitation/a-secret/", HttpResponse(LONG), False),
        ("get", "/", StreamingHttpResponse(iter([LONG])), False),
        ("get", "/", FileResponse(b"", content_type="text/plain"), False),
        ("get", "/", HttpResponse(LONG, content_type="image/webp"), False),
    ],
)
def test_what_is_worth_it(method, path, response, expected):
    assert compression.is_worth_it(getattr(RequestFactory(), method)(path), response) is expected
