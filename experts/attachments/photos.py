"""Photos of experts: decoded, made smaller and encoded again, so that nothing of the file that came is left in it."""

from __future__ import annotations

import io
import warnings
from typing import BinaryIO, cast

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from experts.attachments import storage
from experts.models import Expert

PHOTO_TYPE = "image/webp"
SIDE = 512
"""Pixels of the longer side, at most."""
MAX_PIXELS = 50_000_000
"""Of a photo as it comes: more than any phone's, and at most 200 MB while it is decoded."""
MAX_BYTES = 10 * 2**20
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY = 82


def encoded(file: BinaryIO) -> bytes:
    """A picture as WebP of at most SIDE pixels, upright, without EXIF and other metadata.

    Raises ValidationError if it is not a picture, damaged, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is checked below
            file.seek(0)
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _too_many_pixels()
                image.draft("RGB", (2 * SIDE, 2 * SIDE))  # JPEG: decodes only as much as is needed
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
                has_alpha = upright.has_transparency_data
                plain = Image.new("RGB", upright.size, "white")
                colours = upright.convert("RGBA" if has_alpha else "RGB")
                plain.paste(colours, mask=colours if has_alpha else None)
    except UnidentifiedImageError:
        raise ValidationError(
            _("This is not a picture that can be read. Photos are JPEG, PNG, WebP or GIF files.")
        ) from None
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError):
        raise ValidationError(_("The picture is damaged. Open it, save it again and upload that.")) from None
    target = io.BytesIO()
    plain.save(target, "WEBP", quality=QUALITY, method=4)
    return target.getvalue()


def from_upload(file: UploadedFile) -> bytes:
    """The picture in an upload, as `encoded`. Raises ValidationError."""
    if (file.size or 0) > MAX_BYTES:
        raise ValidationError(
            _("The picture is larger than %(limit)s MB. Make it smaller and upload that.")
            % {"limit": MAX_BYTES // 2**20}
        )
    return encoded(cast(BinaryIO, file.file))


@transaction.atomic
def set_photo(expert: Expert, content: bytes, *, fetched_from: str = "") -> None:
    """Make `content`, of `encoded`, the photo of an expert instead of the one before.

    Raises ValidationError if it cannot be stored, such as on a full disk.
    """
    try:
        name = storage.store(storage.PHOTOS, [content])
    except OSError as error:
        raise ValidationError(storage.not_stored(_("The photo"), error)) from error
    _replace(expert, name, fetched_from)


@transaction.atomic
def remove_photo(expert: Expert) -> None:
    _replace(expert, "", "")


def to_fetch(*, again: bool = False) -> QuerySet[Expert]:
    """The experts with a link to a photo and none from it yet; `again`: all but those whose photo was uploaded."""
    linked = Expert.objects.exclude(photo_url="").order_by("pk").only("username", "photo_url", "photo_file")
    if again:
        return linked.filter(Q(photo_file="") | ~Q(photo_fetched_from=""))
    other_link = ~Q(photo_fetched_from="") & ~Q(photo_fetched_from=F("photo_url"))
    return linked.filter(Q(photo_file="") | other_link)


def known_names() -> set[str]:
    """The names of all photos that belong to somebody."""
    return set(Expert.objects.exclude(photo_file="").order_by().values_list("photo_file", flat=True))


def _replace(expert: Expert, name: str, fetched_from: str) -> None:
    rows = Expert.objects.filter(pk=expert.pk)
    before = rows.select_for_update().values_list("photo_file", flat=True).first()
    rows.update(photo_file=name, photo_fetched_from=fetched_from, updated_at=timezone.now())
    expert.photo_file, expert.photo_fetched_from = name, fetched_from
    if before:
        storage.remove_after_commit(storage.PHOTOS, before)


def _too_many_pixels() -> ValidationError:
    return ValidationError(
        _("The picture has more than %(limit)s million pixels. Make it smaller and upload that.")
        % {"limit": MAX_PIXELS // 1_000_000}
    )
