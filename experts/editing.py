"""Changes of one expert at a time by programs, with the rules of the import and the history of the admin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from experts.admin_history import log_added, log_changed, log_deleted, log_document, log_photo
from experts.attachments import documents, photos
from experts.identity import clean_username, identity_key
from experts.importing.conventions import Conventions
from experts.importing.invalid import InvalidValue
from experts.importing.values import read_value
from experts.models import Document, Expert, ExpertQuerySet


class FieldsInvalid(Exception):
    """Some values are not valid; `fields` says of each field what is wrong and how to fix it."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


class UsernameTaken(Exception):
    """Another expert has this username, or one that reads the same."""


Check = Callable[[Expert], None]
"""Looks at an expert before they are changed, and raises if that is not wanted."""


def find(username: str, among: ExpertQuerySet) -> Expert | None:
    """The expert with this username: as it is written or else one that reads the same."""
    written = clean_username(username)
    exact = among.filter(username=written).first() if written else None
    return exact or among.filter(username_key=identity_key(written)).first()


def create(values: Mapping[str, Any], user: User) -> Expert:
    """Add an expert. Raises FieldsInvalid and UsernameTaken."""
    expert = Expert(**_read(values))
    _check(expert, values)
    try:
        with transaction.atomic():
            expert.save(force_insert=True)
            log_added(user, [expert])
    except IntegrityError:
        raise UsernameTaken(_taken(expert.username)) from None
    return expert


def change(pk: int, values: Mapping[str, Any], user: User, check: Check) -> Expert:
    """Change these fields only. What is the same already leaves no trace.

    Raises FieldsInvalid, UsernameTaken, Expert.DoesNotExist, and what `check` raises.
    """
    read = _read(values)
    try:
        with transaction.atomic():
            expert = Expert.objects.select_for_update().get(pk=pk)
            check(expert)
            changed = {name: value for name, value in read.items() if getattr(expert, name) != value}
            for name, value in changed.items():
                setattr(expert, name, value)
            if changed:
                _check(expert, changed)
                expert.save()
                log_changed(user, [expert.pk], changed)
    except IntegrityError:
        raise UsernameTaken(_taken(expert.username)) from None
    return expert


def remove(pk: int, user: User, check: Check) -> None:
    """Delete an expert. Raises Expert.DoesNotExist, and what `check` raises."""
    with transaction.atomic():
        expert = Expert.objects.select_for_update().get(pk=pk)
        check(expert)
        log_deleted(user, [expert])
        expert.delete()


def add_document(expert: Expert, file: UploadedFile, user: User) -> Document:
    """Add an upload to the documents of an expert. Raises FieldsInvalid if it cannot be one of them."""
    try:
        read = documents.read_upload(file)
    except ValidationError as error:
        raise _refused("file", error) from None
    try:
        with transaction.atomic():
            document = documents.add(expert, read, by=user.get_username())
            log_document(user, document)
    except ValidationError as error:
        read.discard()
        raise _refused("file", error) from None
    return document


def remove_document(document: Document, user: User) -> None:
    with transaction.atomic():
        log_document(user, document, removed=True)
        documents.remove(document)


def set_photo(expert: Expert, content: bytes, user: User) -> None:
    """Make the picture in a file the photo of an expert. Raises FieldsInvalid if it cannot be one."""
    try:
        photo = photos.from_upload(SimpleUploadedFile("photo", content))
        with transaction.atomic():
            photos.set_photo(expert, photo)
            log_photo(user, expert)
    except ValidationError as error:
        raise _refused("photo", error) from None


def remove_photo(expert: Expert, user: User) -> None:
    """Without a photo, nothing happens."""
    if expert.photo_file:
        with transaction.atomic():
            photos.remove_photo(expert)
            log_photo(user, expert)


def _refused(field: str, error: ValidationError) -> FieldsInvalid:
    return FieldsInvalid({field: " ".join(error.messages)})


def _read(values: Mapping[str, Any]) -> dict[str, Any]:
    read, problems = {}, {}
    for name, value in values.items():
        try:
            read[name] = read_value(name, value.strip(), Conventions()) if isinstance(value, str) else value
        except InvalidValue as error:
            problems[name] = str(error)
    if problems:
        raise FieldsInvalid(problems)
    return read


def _check(expert: Expert, fields: Mapping[str, Any]) -> None:
    """Check these fields as the admin would; others may be from a time with other rules."""
    others = {field.name for field in Expert._meta.fields} - set(fields)
    try:
        expert.clean_fields(exclude=others)
    except ValidationError as error:
        raise FieldsInvalid({name: " ".join(texts) for name, texts in error.message_dict.items()}) from None
    if "username" in fields:
        try:
            expert.clean()
        except ValidationError as error:
            raise UsernameTaken(" ".join(error.messages)) from None


def _taken(username: str) -> str:
    return _("An expert with this username already exists: %(other)s.") % {"other": username}
