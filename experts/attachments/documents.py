"""The documents of an expert: list, check and read an upload, add, remove."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from experts.attachments import storage
from experts.attachments.extraction import read_text
from experts.attachments.kinds import kind_of, plain_name
from experts.models import Document, Expert
from experts.profiles.records import document_hash

MOST_OF_ONE = 20
"""Documents that an expert can have."""


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """An uploaded file that lies in the data folder, with its text. It has no row yet."""

    name: str
    kind: Document.Kind
    size: int
    sha256: str
    stored_name: str
    text: str
    problem: str

    def discard(self) -> None:
        """Remove the file, since it gets no row."""
        storage.remove(storage.DOCUMENTS, self.stored_name)


def documents_of(expert: Expert) -> list[Document]:
    """The documents of an expert by name, without their texts."""
    return list(Document.objects.filter(expert=expert))


def read_upload(file: UploadedFile) -> ReadDocument:
    """Check an upload, store it and read its text, which can take seconds: not within a transaction.

    Raises ValidationError if it cannot be a document, and if the disk is full. A document whose text cannot be read
    is one too: its `problem` says why.
    """
    name, size = plain_name(file.name or ""), file.size or 0
    if not size:
        raise ValidationError(_("“%(name)s” is empty.") % {"name": name})
    if size > settings.TCS_DOCUMENT_MAX_MB * 2**20:
        raise ValidationError(too_large(name))
    kind = kind_of(name, cast(BinaryIO, file.file))
    sha256 = hashlib.sha256()
    file.seek(0)
    for chunk in file.chunks():
        sha256.update(chunk)
    try:
        stored_name = storage.store(storage.DOCUMENTS, file.chunks())
        text, problem = read_text(storage.path_of(storage.DOCUMENTS, stored_name), kind)
    except OSError as error:
        raise ValidationError(storage.not_stored(f"“{name}”", error)) from error
    return ReadDocument(name, kind, size, sha256.hexdigest(), stored_name, text, problem)


def too_large(name: str) -> str:
    return _(
        "“%(name)s” is larger than %(limit)s MB. Save it with smaller pictures, or ask your administrator to raise"
        " the limit."
    ) % {"name": name, "limit": settings.TCS_DOCUMENT_MAX_MB}


def has_it_already(name: str) -> ValidationError:
    return ValidationError(_("This expert already has “%(name)s”, which is the same file.") % {"name": name})


def too_many() -> ValidationError:
    return ValidationError(
        _("An expert can have %(most)s documents. Remove one before you add another.") % {"most": MOST_OF_ONE}
    )


@transaction.atomic
def add(expert: Expert, read: ReadDocument, *, by: str = "") -> Document:
    """Raises ValidationError if the expert has this document already, or too many."""
    Expert.objects.lock([expert.pk])
    own = Document.objects.filter(expert=expert)
    if same := own.filter(sha256=read.sha256).first():
        raise has_it_already(str(same))
    if own.count() >= MOST_OF_ONE:
        raise too_many()
    document = Document.objects.create(
        expert=expert,
        name=read.name,
        kind=read.kind,
        size=read.size,
        sha256=read.sha256,
        stored_name=read.stored_name,
        text=read.text,
        text_hash=document_hash(read.text) if read.text else "",
        characters=len(read.text),
        problem=read.problem,
        uploaded_by=by,
    )
    touch(expert.pk)
    return document


@transaction.atomic
def remove(document: Document) -> None:
    """Remove a document and, when the transaction ends, its file."""
    document.delete()
    touch(document.expert_id)


def touch(expert_id: int) -> None:
    """Mark an expert as changed, so that drift looks at the directory at once."""
    Expert.objects.filter(pk=expert_id).update(updated_at=timezone.now())


def known_names() -> set[str]:
    """The names of all files that are a document."""
    return set(Document.objects.order_by().values_list("stored_name", flat=True))
