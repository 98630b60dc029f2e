"""Documents of experts, such as a CV: what is taken, what is read of it, and what becomes of the files."""

from __future__ import annotations

import errno
import io
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client
from pypdf import PdfReader, PdfWriter

from experts.attachments import documents, extraction, kinds, storage
from experts.models import Document, Expert
from tests.support import attachments_cast as files
from tests.support.cast import searcher, staff

pytestmark = pytest.mark.django_db

BIDI = "\u202e"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / storage.DOCUMENTS


@pytest.fixture
def ann() -> Expert:
    return Expert.objects.create(username="ann", first_name="Ann", last_name="Lee")


def stored(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def with_password(content: bytes, **more: Any) -> bytes:
    writer, target = PdfWriter(clone_from=PdfReader(io.BytesIO(content))), io.BytesIO()
    writer.encrypt(algorithm="AES-256", **more)
    writer.write(target)
    return target.getvalue()


def zipped(**parts: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def bomb() -> bytes:
    return zipped(**{"[Content_Types].xml": b"", "word/document.xml": bytes(2**27)})


def text_box(content: bytes) -> bytes:
    """A Word file with a text box, which Word writes twice: for itself, and for old programs."""
    mc = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    box = "<w:txbxContent><w:p><w:r><w:t>Boxed</w:t></w:r></w:p></w:txbxContent>"
    both = f'<mc:AlternateContent xmlns:mc="{mc}"><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>'
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "word/document.xml":
                place = data.index(b"<w:sectPr")
                data = data[:place] + f"<w:p><w:r>{both}</mc:AlternateContent></w:r></w:p>".encode() + data[place:]
            new.writestr(part, data)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "text", "problem"),
    [
        ("cv.pdf", files.pdf(["First page\nof two", "Second page"]), "First page\nof two\n\nSecond page", ""),
        ("CV.DOCX", files.word(["Élan", "Two"], ["left", "right"]), "Élan\nTwo\nleft\nright", ""),
        ("box.docx", text_box(files.word(["One"])), "One\nBoxed", ""),
        ("cv.txt", b"Tuin\r\n\r\n\r\nhuis\f\tboom\x1b", "Tuin\n\nhuis boom", ""),
        ("old.txt", "Café à la crème, naïve".encode("cp1252"), "Café à la crème, naïve", ""),
        ("wide.txt", "Zoë und Jürgen".encode("utf-16"), "Zoë und Jürgen", ""),
        (
            "printing-forbidden.pdf",
            with_password(files.pdf(["Open"]), user_password="", owner_password="x"),
            "Open",
            "",
        ),
        ("locked.pdf", with_password(files.pdf(["Secret"]), user_password="x"), "", "encrypted"),
        ("locked.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "", "encrypted"),
        ("broken.pdf", b"%PDF-1.7 and then rubbish", "", "damaged"),
        ("broken.docx", files.word()[:-900] + files.word()[-900:].replace(b"document", b"dokument"), "", "damaged"),
        ("not-word.docx", zipped(**{"[Content_Types].xml": b"<Types/>"}), "", "damaged"),
        ("scan.pdf", files.pdf([""]), "", "no_text"),
        ("white.txt", b" \n \n", "", "no_text"),
        ("bomb.docx", bomb, "", "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and len(value) < 30 else "",
)
def test_a_document_is_read_as_far_as_it_can_be(name, content, text, problem):
    content = content() if callable(content) else content
    read = documents.read_upload(files.upload(name, content))
    assert (read.text, read.problem) == (text, problem)
    assert storage.path_of(storage.DOCUMENTS, read.stored_name).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("cv.pdf", b"", "“cv.pdf” is empty."),
        ("cv.exe", b"MZ", "Documents are PDF files, Word files (.docx) or plain text (.txt)."),
        ("cv", b"text", "“cv” cannot be read."),
        ("cv.doc", b"\xd0\xcf\x11\xe0", "“cv.doc” cannot be read."),
        ("cv.pdf", b"<html><script>alert(1)</script>", "“cv.pdf” is not a PDF file"),
        ("cv.docx", b"%PDF-1.4", "“cv.docx” is not a Word file"),
        ("cv.docx", zipped(x=b"x"), "“cv.docx” is not a Word file"),
        ("cv.txt", b"\x7fELF\0\0\0\1", "“cv.txt” is not a text file"),
        ("large.txt", b"x" * (2**20 + 1), "“large.txt” is larger than 1 MB."),
    ],
)
def test_what_cannot_be_a_document_is_refused_with_the_reason(name, content, sentence, settings, folder):
    settings.TCS_DOCUMENT_MAX_MB = 1
    with pytest.raises(ValidationError) as refused:
        documents.read_upload(files.upload(name, content))
    assert sentence in refused.value.message
    assert stored(folder) == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ann\\cv.pdf", "cv.pdf"),
        (f"cv{BIDI}fdp.exe", "cvfdp.exe"),
        ("a\nb\t c.txt", "ab c.txt"),
        ("é" * 300 + ".docx", "é" * 145 + ".docx"),
        (".pdf", "?.pdf"),
        ("", "?"),
    ],
)
def test_the_name_of_a_file_is_only_a_name(given, shown):
    assert kinds.plain_name(given) == shown


def test_a_long_document_is_read_up_to_the_limit(monkeypatch):
    monkeypatch.setattr(extraction, "MAX_CHARACTERS", 50)
    for name, content in (("a.pdf", files.pdf(["word " * 30] * 3)), ("a.docx", files.word(["word " * 30] * 3))):
        read = documents.read_upload(files.upload(name, content))
        assert read.text == ("word " * 10).strip()
        assert read.problem == Document.Problem.CUT
    read = documents.read_upload(files.upload("a.txt", "word " * 30))
    assert (len(read.text), read.problem) == (49, Document.Problem.CUT)


def test_a_file_that_takes_all_time_or_memory_ends_nothing_else(monkeypatch):
    monkeypatch.setattr(extraction, "MAX_SECONDS", 0)
    assert documents.read_upload(files.upload("a.pdf", files.pdf())).problem == Document.Problem.TOO_SLOW
    monkeypatch.undo()
    monkeypatch.setattr(extraction, "MAX_MEMORY", 2**20)
    read = documents.read_upload(files.upload("a.pdf", files.pdf()))
    assert read.text == ""
    assert read.problem in (Document.Problem.TOO_LARGE, Document.Problem.DAMAGED)  # as the library takes it


def test_a_full_disk_is_named_and_leaves_nothing(monkeypatch, folder):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValidationError, match=r"“cv.txt” could not be stored: No space left on device\. Nothing was"):
        documents.read_upload(files.upload())
    assert stored(folder) == []


def test_the_same_file_is_taken_once_and_not_more_than_the_limit(ann, monkeypatch):
    files.document(ann, "cv.txt")
    with pytest.raises(ValidationError, match=r"already has “cv.txt”"):
        files.document(ann, "copy.txt")
    files.document(Expert.objects.create(username="ben"), "cv.txt")
    monkeypatch.setattr(documents, "MOST_OF_ONE", 1)
    with pytest.raises(ValidationError, match="can have 1 documents"):
        files.document(ann, "other.txt", "Something else")


def test_the_file_goes_with_the_document_and_with_the_expert(ann, folder, django_capture_on_commit_callbacks):
    first, second = files.document(ann, "a.txt", "One"), files.document(ann, "b.txt", "Two")
    before = Expert.objects.get().updated_at
    with django_capture_on_commit_callbacks(execute=True):
        documents.remove(first)
        assert len(stored(folder)) == 2  # a rollback must not lose it
    assert stored(folder) == [second.stored_name]
    assert Expert.objects.get().updated_at > before
    with django_capture_on_commit_callbacks(execute=True):
        Expert.objects.all().delete()
    assert stored(folder) == []


def test_a_deletion_that_is_rolled_back_keeps_the_file(ann, folder):
    document = files.document(ann)
    with transaction.atomic():
        documents.remove(document)
        transaction.set_rollback(True)
    assert stored(folder) == [document.stored_name]
    assert Document.objects.count() == 1


def test_what_a_crash_left_over_is_swept_after_a_day(ann, folder):
    document = files.document(ann)
    lost = documents.read_upload(files.upload("b.txt", "Lost"))
    fresh = documents.read_upload(files.upload("c.txt", "Its row is about to be written"))
    unfinished = folder / "x.new"
    unfinished.touch()
    old = time.time() - storage.UNKNOWN_FOR - 10
    for name in (document.stored_name, lost.stored_name, "x.new"):
        os.utime(folder / name, (old, old))
    assert storage.sweep(storage.DOCUMENTS, documents.known_names()) == 2
    assert stored(folder) == sorted([document.stored_name, fresh.stored_name])


# --- the page of an expert in the admin


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(staff(superuser=True))
    return client


def form_of(page: Any) -> Iterator[tuple[str, Any]]:
    for form in (
        page.context["adminform"].form,
        *(f for each in page.context["inline_admin_formsets"] for f in each.formset),
    ):
        for field in form:
            value = field.value()
            if value not in (None, False):
                yield field.html_name, value
    for each in page.context["inline_admin_formsets"]:
        for field in each.formset.management_form:
            yield field.html_name, field.value()
    yield "created_at_0", "2026-01-01"
    yield "created_at_1", "10:00"


def save(client: Client, expert: Expert, **more: Any) -> Any:
    address = f"/admin/experts/expert/{expert.pk}/change/"
    fields = {name.replace("-__prefix__", "-x"): value for name, value in form_of(client.get(address))}
    fields.pop("created_at", None)
    return client.post(address, fields | more, follow=True)


def errors_of(page: Any) -> str:
    assert "adminform" in page.context, "it was saved"
    formsets = [each.formset for each in page.context["inline_admin_formsets"]]
    return f"{page.context['adminform'].form.errors}{[(each.errors, each.non_form_errors()) for each in formsets]}"


def test_a_document_is_added_and_removed_on_the_page_of_the_expert(
    editor, ann, folder, django_capture_on_commit_callbacks
):
    page = save(editor, ann, **{"documents-0-file": files.upload("../my cv.pdf", files.pdf(["Organ builder"]))})
    document = Document.objects.get()
    assert (document.text, document.name, document.uploaded_by) == ("Organ builder", "my cv.pdf", "sam")
    assert "Added document “my cv.pdf”" in LogEntry.objects.latest("pk").get_change_message()
    html = editor.get(f"/admin/experts/expert/{ann.pk}/change/").content.decode()
    assert "13 characters are searched." in html
    assert document.get_absolute_url() in html
    assert page.status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        save(editor, ann, **{"documents-0-DELETE": "on"})
    assert not Document.objects.exists()
    assert stored(folder) == []


def test_an_upload_that_is_refused_says_why_and_leaves_nothing(editor, ann, folder):
    files.document(ann)
    for upload, why in (
        (files.upload("cv.pdf", b"rubbish"), "“cv.pdf” is not a PDF file"),
        (files.upload("same.txt"), "already has “cv.txt”"),
        (files.upload("empty.txt", b""), "“empty.txt” is empty."),
    ):
        assert why in errors_of(save(editor, ann, **{"documents-1-file": upload}))
    assert "three-letter" in errors_of(
        save(editor, ann, currency="?", **{"documents-1-file": files.upload("b.txt", "B")})
    )
    assert len(stored(folder)) == Document.objects.count() == 1


def test_a_document_that_cannot_be_read_says_so_on_the_page(editor, ann):
    save(editor, ann, **{"documents-0-file": files.upload("cv.pdf", b"%PDF-1.4 rubbish")})
    assert (
        "It is damaged, so its text cannot be read."
        in editor.get(f"/admin/experts/expert/{ann.pk}/change/").content.decode()
    )


def test_who_may_not_see_or_add_documents_neither_sees_nor_adds_them(client, ann, folder):
    document = files.document(ann)
    client.force_login(staff("experts.view_expert", "experts.change_expert"))
    page = client.get(f"/admin/experts/expert/{ann.pk}/change/")
    assert "cv.txt" not in page.content.decode()
    save(client, ann, **{"documents-0-file": files.upload("b.txt", "B"), "documents-TOTAL_FORMS": "1"})
    assert list(Document.objects.all()) == [document]
    assert stored(folder) == [document.stored_name]


# --- downloads


def test_a_document_is_only_ever_a_download(client, ann):
    document = files.document(ann, "Ann – “cv”.txt", "<script>alert(1)</script>")
    client.force_login(staff("experts.view_document"))
    answer = client.get(document.get_absolute_url())
    assert answer.content == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''Ann%20")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Type"] == "text/plain"
    assert "no-store" in answer["Cache-Control"]


def test_a_document_takes_the_right_to_see_documents(client, ann):
    document = files.document(ann)
    address = document.get_absolute_url()
    assert client.get(address).status_code == 302
    client.force_login(staff(username="plain"))
    assert client.get(address).status_code == 403
    client.force_login(searcher())
    assert client.get(address).status_code == 200
    Group.objects.get(name="Searcher").permissions.remove(Permission.objects.get(codename="view_document"))
    assert client.get(address).status_code == 403
    other = Expert.objects.create(username="ben")
    client.force_login(staff("experts.view_document"))
    assert client.get(address.replace(str(ann.pk), str(other.pk), 1)).status_code == 404


def test_the_documents_of_inactive_people_are_for_those_who_may_see_such_people(client, ann):
    address = files.document(ann).get_absolute_url()
    Expert.objects.update(is_active=False)
    for user, status in (
        (searcher(), 404),
        (staff("experts.view_document", username="reads"), 404),
        (staff("experts.view_document", "experts.view_expert", username="manages"), 200),
    ):
        client.force_login(user)
        assert client.get(address).status_code == status, user


def test_a_file_that_is_lost_is_not_an_error_of_the_server(client, ann, folder):
    document = files.document(ann)
    (folder / document.stored_name).unlink()
    client.force_login(staff("experts.view_document"))
    assert client.get(document.get_absolute_url()).status_code == 404
