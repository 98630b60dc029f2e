"""Photos are fetched once, from public servers only, whatever a link or a redirect says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from experts.attachments import fetching, photos, storage
from experts.models import Expert
from tests.support import attachments_cast as files

pytestmark = pytest.mark.django_db

ANSWERS = {
    "/me.jpg": (200, files.picture()),
    "/my%20photo.png": (200, files.picture((64, 64), "PNG")),
    "/page": (200, b"<html>"),
    "/gone": (404, b""),
    "/large": (200, b"x" * 3000),
    "/moved": (302, "/me.jpg"),
    "/round": (301, "/round"),
    "/to-file": (302, "file:///etc/passwd"),
    "/to-inside": (302, "http://169.254.169.254/latest/meta-data"),
}


class Handler(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:  # noqa: N802  the name that http.server calls
        self.asked.append(self.path)
        status, content = ANSWERS[self.path]
        self.send_response(status)
        if isinstance(content, str):
            self.send_header("Location", content)
            content = b""
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / storage.PHOTOS


@pytest.fixture
def server(monkeypatch) -> Iterator[str]:
    """A server of this machine, which counts as public."""
    inside = fetching.is_public
    monkeypatch.setattr(fetching, "is_public", lambda address: address == "127.0.0.1" or inside(address))
    Handler.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["/me.jpg", "/my photo.png", "/my%20photo.png", "/moved"])
def test_a_photo_is_fetched_and_encoded(server, path):
    assert fetching.fetch_photo(server + path)[8:12] == b"WEBP"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/page", "not a picture that can be read"),
        ("/gone", "answered with status 404"),
        ("/large", "larger than 0 MB"),
        ("/round", "leads to more than 5 others"),
        ("/to-file", "is not a web address"),
        ("/to-inside", "“169.254.169.254” is not a public server"),
    ],
)
def test_what_cannot_be_fetched_says_why(server, path, why, monkeypatch):
    if path == "/large":
        monkeypatch.setattr(photos, "MAX_BYTES", 2000)
    with pytest.raises(fetching.NotFetched, match=why):
        fetching.fetch_photo(server + path)


def test_a_server_that_sends_for_ever_is_left(server, monkeypatch):
    monkeypatch.setattr(fetching, "SECONDS", -1.0)
    with pytest.raises(fetching.NotFetched, match="It took longer than"):
        fetching.fetch_photo(f"{server}/me.jpg")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.com/x", "javascript:alert(1)", "http://", "//x/y", "http://[::1", "x", ""],
)
def test_other_addresses_are_not_asked(url):
    with pytest.raises(fetching.NotFetched):
        fetching.fetch_photo(url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        *((inside, False) for inside in ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254")),
        *((inside, False) for inside in ("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1")),
        *((inside, False) for inside in ("::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1")),
        *((inside, False) for inside in ("::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a01:203")),
    ],
)
def test_only_addresses_of_the_internet_are_public(address, public):
    assert fetching.is_public(address) == public


def test_a_name_with_an_address_inside_is_not_asked(monkeypatch):
    """Also one that has a public address beside it, and by whatever spelling of the address."""
    for addresses in (["93.184.216.34", "127.0.0.1"], ["::1"]):
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=found, **__: found)
        with pytest.raises(fetching.NotFetched, match="“inside.example” is not a public server"):
            fetching.fetch_photo("http://inside.example/x.jpg")
    monkeypatch.undo()
    for url in ("http://127.1/", "http://2130706433/", "http://localhost:5432/", "https://0x7f.1/"):
        with pytest.raises(fetching.NotFetched, match="is not a public server"):
            fetching.fetch_photo(url)


@pytest.mark.django_db(transaction=True)
def test_the_command_fetches_what_is_missing_and_keeps_uploads(server, capsys, folder):
    ann = Expert.objects.create(username="ann", photo_url=f"{server}/me.jpg")
    bob = Expert.objects.create(username="bob", photo_url=f"{server}/gone")
    files.photo(Expert.objects.create(username="own", photo_url=f"{server}/me.jpg"))
    Expert.objects.create(username="none")
    with pytest.raises(CommandError, match="1 photos were not fetched"):
        call_command("fetch_photos", json=True)
    said = json.loads(capsys.readouterr().out)
    assert said == {"fetched": 1, "problems": {"bob": "The server answered with status 404."}}
    ann.refresh_from_db()
    assert (ann.photo_fetched_from, len(list(folder.iterdir()))) == (ann.photo_url, 2)
    assert sorted(Handler.asked) == ["/gone", "/me.jpg"]
    bob.delete()
    Handler.asked.clear()
    call_command("fetch_photos")
    assert Handler.asked == []
    Expert.objects.filter(pk=ann.pk).update(photo_url=f"{server}/moved")
    call_command("fetch_photos")
    assert Handler.asked == ["/moved", "/me.jpg"]
    assert len(list(folder.iterdir())) == 2
    call_command("fetch_photos", again=True)
    assert Handler.asked == ["/moved", "/me.jpg"] * 2
