"""Addresses and files from outside: no redirect to elsewhere, no path from a browser, no upload without end."""

from __future__ import annotations

import io
import re
import socket
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from experts.importing import uploads
from experts.models import Expert
from indexing import notifications
from indexing.models import Notification, RebuildRun
from tests.support import cast

pytestmark = pytest.mark.django_db

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/%09/evil.example",
    "//evil.example\\@testserver/",
    "https://testserver@evil.example/",
    "\t//evil.example",
    "http://[::1",
    "",
]
IMPORT = "/admin/experts/expert/import/"


def is_ours(address: str) -> bool:
    """As a browser reads it: backslashes are slashes, tabs are nothing."""
    plain = re.sub(r"[\t\r\n]", "", address).strip().replace("\\", "/")
    return plain.startswith("/") and not plain.startswith("//")


@pytest.mark.parametrize("address", ELSEWHERE)
def test_signing_in_leads_nowhere_else(address):
    cast.staff()
    form = {"username": "sam", "password": cast.PASSWORD, "next": address}
    answer = Client().post(f"/admin/login/?next={address}", form)
    assert answer.status_code == 302
    assert is_ours(answer.url), answer.url


@pytest.mark.parametrize("address", ELSEWHERE)
def test_signing_out_leads_nowhere_else(client, address):
    client.force_login(cast.staff())
    answer = client.post("/admin/logout/", {"next": address})
    assert answer.status_code in (200, 302)
    assert answer.status_code == 200 or is_ours(answer.url)


@pytest.mark.parametrize(
    "address", ["https://evil.example/x", "http://testserver//evil.example/x", "javascript:x", "\\\\x"]
)
def test_an_htmx_request_is_sent_to_sign_in_and_nowhere_else_after(client, address):
    answer = client.get("/admin/index/", headers={"HX-Request": "true", "HX-Current-URL": address})
    target = answer["HX-Redirect"]
    assert urlsplit(target).path == "/accounts/sign-in/"
    assert is_ours(target)
    cast.staff()
    back = parse_qs(urlsplit(target).query).get("next", ["/"])[0]
    signed_in = client.post(target, {"username": "sam", "password": cast.PASSWORD, "next": back})
    assert is_ours(signed_in.url), signed_in.url


def test_the_host_of_a_redirect_is_not_the_callers_word(client):
    for headers in ({"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}):
        answer = client.get("/admin", headers=headers)
        assert "evil.example" not in answer.get("Location", "")
    assert Client(SERVER_NAME="evil.example").get("/admin/login/").status_code == 400


def test_the_address_of_a_search_stays_one_header_whatever_is_searched(client):
    client.force_login(cast.staff())
    answer = client.get("/", {"q": "x\r\nSet-Cookie: a=b", "mode": "\r\nx"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    put = answer.get("HX-Push-Url") or answer["HX-Replace-Url"]
    assert is_ours(put)
    assert "\n" not in put
    assert "a" not in answer.cookies


# --- Uploads ------------------------------------------------------------------------------------------------
@pytest.fixture
def importer(client) -> Client:
    client.force_login(cast.staff("experts.import", "experts.view_expert", username="ivy"))
    return client


def upload(client: Client, name: str = "people.csv", data: bytes = b"Username\nzoe\n", **more: str):
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, data), **more})


def stored() -> list[Path]:
    return sorted((Path(django_settings.DATA_DIR) / "imports").glob("*"))


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "..\\..\\x.csv", "x\0.csv", "." * 300, "a/b.csv"]
)
def test_a_file_lies_under_a_name_of_our_own(importer, name):
    assert upload(importer, name).status_code == 302
    (path,) = stored()
    assert re.fullmatch(r"[0-9a-f]{32}\.csv", path.name)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_nothing_that_a_browser_sends_says_which_file_is_read(importer):
    upload(importer)
    secret = Path(django_settings.DATA_DIR) / "other.csv"
    secret.write_text("Username\nsecret\n")
    sent = {"token": "../other", "path": str(secret), "name": "../other.csv", "user": "1"}
    page = importer.get(f"{IMPORT}preview/", sent)
    assert "zoe" in page.content.decode()
    assert "secret" not in page.content.decode()
    importer.post(f"{IMPORT}apply/", {**sent, "digest": page.context["plan"].digest})
    assert list(Expert.objects.values_list("username", flat=True)) == ["zoe"]


def test_a_file_of_somebody_else_is_out_of_reach_also_with_their_session_key(importer, client):
    """The session names its owner: one that was taken over by another user finds nothing."""
    upload(importer)
    session = importer.session
    other = Client()
    other.force_login(cast.staff("experts.import", username="eve"))
    taken = other.session
    taken["experts_import"] = session["experts_import"]
    taken.save()
    answer = other.get(f"{IMPORT}preview/", follow=True)
    assert "zoe" not in answer.content.decode()
    assert len(stored()) == 1


def test_an_upload_over_the_limit_is_dropped_while_it_arrives(importer, settings):
    settings.TCS_IMPORT_MAX_MB = 1
    answer = upload(importer, data=b"Username\n" + b"x" * 3 * 2**20)
    assert answer.status_code == 200
    assert "larger than 1 MB" in answer.content.decode()
    assert stored() == []


class Counting(uploads.CappedUpload):
    """Counts what it lets through."""

    passed = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        kept = super().receive_data_chunk(raw_data, start)
        Counting.passed += len(kept)
        return kept


def test_many_files_in_one_request_are_limited_together(settings, monkeypatch):
    """The CSRF check reads them all, also a stranger's."""
    monkeypatch.setattr(Counting, "passed", 0)
    settings.TCS_IMPORT_MAX_MB = 1
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.Counting", *django_settings.FILE_UPLOAD_HANDLERS[1:]]
    files = {f"file{number}": io.BytesIO(b"x" * 600_000) for number in range(5)}
    assert stranger().post("/admin/login/", files).status_code == 403
    assert 600_000 <= Counting.passed <= 2**20


def test_too_many_rows_are_refused(importer, settings):
    settings.TCS_IMPORT_MAX_ROWS = 10
    upload(importer, data=b"Username\n" + b"".join(b"user%d\n" % number for number in range(11)))
    answer = importer.get(f"{IMPORT}preview/", follow=True)
    assert "more than 10 experts" in answer.content.decode()
    assert stored() == []
    assert not Expert.objects.exists()


def test_a_form_field_that_is_too_large_is_refused():
    huge = {"username": "x" * (django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)}
    assert stranger().post("/admin/login/", huge).status_code in (400, 413)
    many = {f"field{number}": "x" for number in range(django_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    assert stranger().post("/admin/login/", many).status_code == 400


def stranger() -> Client:
    """With a cookie for the CSRF check, which then reads what is sent; and with the wrong token."""
    client = Client(enforce_csrf_checks=True)
    client.cookies[django_settings.CSRF_COOKIE_NAME] = "a" * 32
    return client


# --- The API's bodies ---------------------------------------------------------------------------------------
def test_a_form_sent_to_the_api_is_refused_with_a_sentence(client):
    """The CSRF check has read it then, and a body can be read only once."""
    client = stranger()
    client.force_login(cast.staff("indexing.rebuild"))
    answer = client.post("/api/admin/ingest/run", {"kind": "full"}, headers={"X-CSRFToken": "a" * 32})
    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


@pytest.mark.parametrize(
    "credentials", [{"username": "sam\0"}, {"password": "x\0"}, {"username": "s" * 151}, {"password": "x" * 4_097}]
)
def test_names_and_passwords_that_no_database_takes_are_refused(client, credentials):
    body = {"username": "sam", "password": "x", **credentials}
    answer = client.post("/api/admin/auth", body, content_type="application/json")
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == list(credentials)


# --- What answers us ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"\x00\xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"HTTP/9.9 abc\r\n\r\n",
    ],
)
def test_a_webhook_that_answers_rubbish_is_a_failed_delivery_and_no_more(settings, rubbish):
    """The thread that delivers must live on."""
    with socket.create_server(("127.0.0.1", 0)) as hook:
        answering = threading.Thread(target=answer_once, args=(hook, rubbish))
        answering.start()
        settings.TCS_WEBHOOK_URL = f"http://127.0.0.1:{hook.getsockname()[1]}/"
        settings.TCS_WEBHOOK_SECRET = "signs"
        notifications.run_ended(RebuildRun.objects.create(state="failed", error="<b>", finished_at=timezone.now()))
        notifications.deliver_due()
        answering.join()
    message = Notification.objects.get()
    assert message.attempts == 1
    assert (message.sent_at is None) == bool(message.last_error)


def answer_once(hook: socket.socket, rubbish: bytes) -> None:
    connection, _address = hook.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(rubbish)
