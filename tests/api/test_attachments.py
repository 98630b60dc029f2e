"""Documents and photos by programs: the checks, limits and rights of the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from experts.attachments import photos, storage
from experts.models import Document, Expert
from indexing.models import ApiToken
from tcs_site.http_server import bodies
from tests.support.attachments_cast import CV, document, pdf, photo, picture, upload
from tests.support.cast import staff

pytestmark = pytest.mark.django_db(transaction=True)
ADA = "/api/directory/experts/ada"
EVERYTHING = ("change_expert", "view_document", "add_document", "delete_document")


def signed_in(*permissions: str, username: str = "program") -> Client:
    user = staff(*(f"experts.{name}" for name in permissions or EVERYTHING), username=username)
    return Client(HTTP_AUTHORIZATION=f"Bearer {ApiToken.objects.issue(user, 'robot')[1]}")


@pytest.fixture
def ada() -> Expert:
    return Expert.objects.create(username="ada", first_name="Ada")


def put(client: Client, content: bytes, address: str = f"{ADA}/photo") -> Any:
    return client.put(address, content, "image/jpeg")


def said() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def test_documents_are_listed_added_and_removed(ada: Expert) -> None:
    program = signed_in()
    made = program.post(f"{ADA}/documents", {"file": upload("CV.pdf", pdf())})
    assert made.status_code == 201
    about = made.json()
    assert (about["name"], about["kind"], about["problem"], about["uploaded_by"]) == ("CV.pdf", "pdf", "", "program")
    assert about["characters"] > 50
    assert Document.objects.get().get_absolute_url() == about["address"]
    assert program.get(f"{ADA}/documents").json() == {"documents": [about]}
    assert program.delete(f"{ADA}/documents/{about['id']}").status_code == 204
    assert program.get(f"{ADA}/documents").json() == {"documents": []}
    assert program.delete(f"{ADA}/documents/{about['id']}").status_code == 404
    assert said() == ["Added document “CV.pdf”.", "Deleted document “CV.pdf”."]


def test_what_is_not_a_document_is_refused_and_one_that_cannot_be_read_says_why(ada: Expert, settings: Any) -> None:
    program = signed_in()
    settings.TCS_DOCUMENT_MAX_MB = 1
    for name, content, sentence in (
        ("run.exe", CV, "cannot be read. Documents are PDF files"),
        ("cv.txt", "", "is empty"),
        ("cv.txt", "x" * (2**20 + 1), "is larger than 1 MB"),
    ):
        answer = program.post(f"{ADA}/documents", {"file": upload(name, content)})
        assert (answer.status_code, list(answer.json()["fields"])) == (422, ["file"])
        assert sentence in answer.json()["fields"]["file"]
    kept = program.post(f"{ADA}/documents", {"file": upload("cv.pdf", b"%PDF-1.4 torn")}).json()
    assert (kept["characters"], kept["problem"]) == (0, "It is damaged, so its text cannot be read.")
    again = program.post(f"{ADA}/documents", {"file": upload("other.pdf", b"%PDF-1.4 torn")})
    assert "which is the same file" in again.json()["fields"]["file"]
    stored = {path.name for path in (settings.DATA_DIR / storage.DOCUMENTS).glob("*")}
    assert stored == {Document.objects.get().stored_name}


def test_a_photo_is_set_encoded_again_and_removed(ada: Expert) -> None:
    program = signed_in("change_expert", "view_expert")
    assert put(program, picture()).status_code == 204
    ada.refresh_from_db()
    assert storage.path_of(storage.PHOTOS, ada.photo_file).read_bytes()[8:12] == b"WEBP"
    assert program.get(ADA).json()["photo_address"] == ada.photo_address
    for content, sentence in ((b"", "not a picture"), (b"x" * (photos.MAX_BYTES + 1), "larger than 10 MB")):
        refused = put(program, content)
        assert (refused.status_code, sentence in refused.json()["fields"]["photo"]) == (422, True)
    assert [program.delete(f"{ADA}/photo").status_code for _ in range(2)] == [204, 204]
    ada.refresh_from_db()
    assert ada.photo_file == ""
    assert said() == ["Changed photo."] * 2
    assert bodies.PHOTO_BYTES == photos.MAX_BYTES


def test_each_needs_its_right_and_somebody_to_have_it(ada: Expert) -> None:
    own = document(photo(ada))
    changes = signed_in("change_expert", username="changes")
    sees = signed_in("view_expert", "view_document", "add_document", "delete_document", username="sees")
    for client, status in ((changes, 403), (sees, 403)):
        assert client.post(f"{ADA}/documents", {"file": upload()}).status_code == status
        assert client.delete(f"{ADA}/documents/{own.pk}").status_code == status
    assert (changes.get(f"{ADA}/documents").status_code, sees.get(f"{ADA}/documents").status_code) == (403, 200)
    assert (put(sees, picture()).status_code, sees.delete(f"{ADA}/photo").status_code) == (403, 403)
    assert Document.objects.get() == own
    program = signed_in()
    nobody = "/api/directory/experts/nobody"
    other = Expert.objects.create(username="a/b")
    assert put(program, picture(), "/api/directory/experts/a/b/photo").status_code == 204
    assert program.delete(f"/api/directory/experts/{other.username}/documents/{own.pk}").status_code == 404
    assert program.get(f"{nobody}/documents").status_code == 404
    assert program.post(f"{nobody}/documents", {"file": upload()}).status_code == 404
    assert put(program, picture(), f"{nobody}/photo").status_code == 404
