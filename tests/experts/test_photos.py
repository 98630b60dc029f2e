"""Photos of experts: made from what was uploaded, and shown by us."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from PIL import Image

from experts.attachments import photos, storage
from experts.models import Expert
from tests.experts.test_documents import errors_of, save
from tests.support import attachments_cast as files
from tests.support.cast import searcher, staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / storage.PHOTOS


@pytest.fixture
def ann() -> Expert:
    return Expert.objects.create(username="ann", first_name="Ann", last_name="Lee")


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def with_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Camera of Ann"
    exif.get_ifd(0x8825)[1] = "N"  # where it was taken
    return files.picture((400, 200), exif=exif)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (partial(files.picture, (2000, 1000)), (512, 256)),
        (partial(files.picture, (100, 80), "PNG"), (100, 80)),
        (partial(files.picture, (600, 600), "WEBP"), (512, 512)),
        (partial(files.picture, (600, 300), "GIF"), (512, 256)),
        (partial(with_exif, 6), (200, 400)),  # turned by the camera
    ],
    ids=["JPEG", "PNG", "WebP", "GIF", "turned"],
)
def test_a_photo_is_made_small_upright_and_without_metadata(content, size):
    made = photos.encoded(io.BytesIO(content()))
    picture = opened(made)
    assert (picture.format, picture.size, picture.mode) == ("WEBP", size, "RGB")
    assert not picture.getexif()
    assert b"Camera of Ann" not in made


def test_what_is_transparent_becomes_white():
    made = opened(photos.encoded(io.BytesIO(files.picture((50, 50), "PNG", (0, 0, 0, 0)))))
    assert min(made.getpixel((25, 25))) > 250


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60,000 pixels wide and high."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bytes, "not a picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".strip, "not a picture that can be read"),
        (partial(files.picture, (300, 300), "TIFF"), "not a picture that can be read"),
        (lambda: files.picture((900, 900), "PNG", "red")[:200], "The picture is damaged"),
        (bomb, "more than 50 million pixels"),
        (partial(files.picture, (10_000, 5_001), "GIF"), "more than 50 million pixels"),
    ],
    ids=["empty", "svg", "tiff", "cut", "bomb", "large"],
)
def test_what_is_not_a_photo_is_refused_with_the_reason(content, sentence):
    with pytest.raises(ValidationError) as refused:
        photos.encoded(io.BytesIO(content()))
    assert sentence in refused.value.message


def test_another_photo_takes_the_place_of_the_first(ann, folder, django_capture_on_commit_callbacks):
    files.photo(ann)
    first = ann.photo_file
    with django_capture_on_commit_callbacks(execute=True):
        files.photo(ann)
    assert [path.name for path in folder.iterdir()] == [ann.photo_file]
    assert ann.photo_file != first
    with django_capture_on_commit_callbacks(execute=True):
        Expert.objects.all().delete()
    assert not list(folder.iterdir())


def test_a_photo_without_an_expert_is_swept_after_a_day(ann, folder):
    files.photo(ann)
    lost = storage.store(storage.PHOTOS, [b"x"])
    for path in folder.iterdir():
        old = time.time() - storage.UNKNOWN_FOR - 10
        os.utime(path, (old, old))
    assert storage.sweep(storage.PHOTOS, photos.known_names()) == 1
    assert not (folder / lost).exists()
    assert (folder / ann.photo_file).exists()


def test_a_photo_is_uploaded_and_removed_on_the_page_of_the_expert(client: Client, ann):
    client.force_login(staff(superuser=True))
    save(client, ann, new_photo=files.upload("me.jpg", files.picture()))
    ann.refresh_from_db()
    assert ann.photo_file
    assert ann.photo_address in client.get(f"/admin/experts/expert/{ann.pk}/change/").content.decode()
    assert ann.photo_address in client.get("/admin/experts/expert/?photo=yes").content.decode()
    page = save(client, ann, new_photo=files.upload("me.jpg", b"rubbish"))
    assert "not a picture that can be read" in errors_of(page)
    save(client, ann, remove_photo="on")
    ann.refresh_from_db()
    assert (ann.photo_file, ann.photo_address) == ("", "")


def test_who_may_search_sees_photos_and_is_asked_each_time(client, ann):
    files.photo(ann)
    assert client.get(ann.photo_address).status_code == 302
    client.force_login(searcher())
    answer = client.get(ann.photo_address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert opened(answer.content).size == (512, 341)
    assert answer["Cache-Control"] == "private, no-cache"
    again = client.get(ann.photo_address, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Expert.objects.update(is_active=False)
    assert client.get(ann.photo_address, headers={"If-None-Match": answer["ETag"]}).status_code == 404


def test_nobody_gets_at_other_files_by_the_name_of_a_photo(client, ann):
    files.photo(ann)
    client.force_login(staff())
    for name in ("..", "%2e%2e%2fdb.sqlite3", "0" * 32, "x"):
        assert client.get(f"/experts/{ann.pk}/photo/{name}/").status_code == 404
    with pytest.raises(ValueError, match="not the name of a stored file"):
        storage.path_of(storage.PHOTOS, "../db.sqlite3")


def test_only_a_photo_that_there_is_can_be_removed(client, ann):
    client.force_login(staff(superuser=True))
    assert "remove_photo" not in client.get(ann.admin_url).content.decode()
    files.photo(ann)
    assert "remove_photo" in client.get(ann.admin_url).content.decode()
