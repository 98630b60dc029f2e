"""Bundles of static files, and what is compressed."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.template import Context, Template
from django.test import RequestFactory

from tcs_site import compression
from tcs_site.static_files import prepare
from tcs_site.static_files.bundles import BUNDLES, joined
from tcs_site.supervising import ProcessGroup
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


class TestPreparing:
    @pytest.fixture(autouse=True)
    def _collects(self, monkeypatch, settings):
        settings.STATIC_ROOT, settings.TCS_PREPARE_STATIC = None, True
        self.collected: list[Path] = []
        monkeypatch.setattr(prepare, "_collect", lambda _group, folder: self.collected.append(folder))

    def prepared(self, said: list[str]) -> dict[str, str]:
        return prepare.prepare(ProcessGroup(), said.append)

    def test_two_starts_at_once_prepare_them_once(self, monkeypatch):
        said: list[str] = []
        second = threading.Thread(target=self.prepared, args=[said])

        def collect(_group: object, folder: Path) -> None:
            self.collected.append(folder)
            if not second.ident:
                second.start()
            second.join(0.2)
            (folder / "a.css").write_text("a{}")

        monkeypatch.setattr(prepare, "_collect", collect)
        environment = self.prepared(said)
        second.join()
        assert (Path(environment[prepare.ROOT]) / "a.css").read_text() == "a{}"
        assert len(self.collected) == 1
        assert said == []

    def test_an_error_of_the_disk_is_said_and_ends_nothing(self, monkeypatch):
        """Such as of a source that a new release removes at this moment."""
        said: list[str] = []

        def gone() -> str:
            raise FileNotFoundError("a.css")

        monkeypatch.setattr(prepare, "fingerprint", gone)
        assert self.prepared(said) == {}
        assert said == ["The static files could not be prepared (a.css). They are served uncompressed."]

    def test_the_folder_before_stays_and_older_ones_are_removed(self, monkeypatch):
        folders = []
        for name in "abc":
            monkeypatch.setattr(prepare, "fingerprint", lambda name=name: name)
            folders.append(Path(self.prepared([])[prepare.ROOT]))
        assert [folder.exists() for folder in folders] == [False, True, True]
        assert len(self.collected) == 3


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
        *(
            ("get", address, HttpResponse(LONG), False)
            for address in (
                "/accounts/invitation/a-secret/",
                "/accounts/invitations/",
                "/shortlists/1/",  # shows the addresses of its links
                "/shared/a-secret/",
                "/api/docs",
                "/api/admin/auth/token",
                "/admin/login/",
            )
        ),
        ("get", "/", StreamingHttpResponse(iter([LONG])), False),
        ("get", "/", FileResponse(b"", content_type="text/plain"), False),
        ("get", "/", HttpResponse(LONG, content_type="image/webp"), False),
    ],
)
def test_what_is_worth_it(method, path, response, expected):
    assert compression.is_worth_it(getattr(RequestFactory(), method)(path), response) is expected
