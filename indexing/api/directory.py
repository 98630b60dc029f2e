"""Imports of experts by programs: upload a file and see what it would do, apply it, undo it."""

from __future__ import annotations

import os
from collections.abc import Collection

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import File, Form, Path
from ninja.errors import HttpError
from ninja.files import UploadedFile

from experts.importing import stored_uploads
from experts.importing.apply import apply_plan, check_deactivated
from experts.importing.errors import ImportFailed
from experts.importing.undo import FieldConflict, undo
from experts.models import ImportRecord, hidden_fields
from experts.numbers import LARGEST_ID
from indexing.api.auth import caller, staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS, Refusal
from indexing.api.schemas.directory import (
    ApplyImport,
    FieldConflictOut,
    ImportChoices,
    ImportCountsOut,
    ImportDone,
    ImportPreview,
    ImportUndone,
    LeftAloneOut,
    text,
)

router = StrictRouter(tags=["directory"])
IMPORT = "experts.import"


@router.post(
    "/imports",
    auth=staff(IMPORT),
    response={200: ImportPreview, 409: Refusal, **REFUSALS},
    summary="Upload a file of experts and see what importing it would do",
    description=(
        "Needs the permission `experts.import`. CSV, .xlsx or .ods, as a form with the part `file`. Nothing is "
        "imported yet. Returns 409 if the file cannot be read."
    ),
)
def preview_import(request: HttpRequest, file: File[UploadedFile], choices: Form[ImportChoices]) -> ImportPreview:
    """Raises HttpError 409 with what is wrong with the file."""
    name = os.path.basename(file.name or "")[:200]
    upload = stored_uploads.store(file, caller(request).pk, name, choices.options())
    try:
        return ImportPreview.from_plan(upload, upload.plan(), hidden_fields(caller(request)))
    except ImportFailed as error:
        upload.remove()
        raise HttpError(409, str(error)) from None


@router.post(
    "/imports/{upload}/apply",
    auth=staff(IMPORT),
    response={200: ImportDone, 404: Refusal, 409: Refusal, **REFUSALS},
    summary="Import what the preview showed",
    description=(
        "Needs the permission `experts.import`. All or nothing. Returns 409 if the directory has changed since, rows "
        "have errors and `skip_bad` is not set, or a large part would be deactivated without the number."
    ),
)
def apply_import(request: HttpRequest, wanted: ApplyImport, upload: str = Path(max_length=32)) -> ImportDone:
    """Raises HttpError 404 for an upload that is unknown or has expired, 409 for what cannot be applied."""
    user = caller(request)
    found = stored_uploads.find(upload, user.pk)
    try:
        if found is None:
            raise FileNotFoundError
        plan = found.plan()
        if plan.digest != wanted.digest:
            raise ImportFailed(_("The directory has changed since the preview. Upload the file again."))
        check_deactivated(plan, wanted.deactivate)
        record = apply_plan(plan, skip_bad=wanted.skip_bad, user=user, file_name=found.name)
    except FileNotFoundError:
        raise HttpError(404, _("There is no such upload. It was already applied or has expired.")) from None
    except ImportFailed as error:
        raise HttpError(409, str(error)) from None
    found.remove()
    counts = ImportCountsOut.from_orm(plan.counts)
    return ImportDone(number=record.pk, counts=counts, deactivated=len(plan.deactivated))


@router.post(
    "/imports/{number}/undo",
    auth=staff(IMPORT),
    response={200: ImportUndone, 404: Refusal, 409: Refusal, **REFUSALS},
    summary="Undo an import",
    description=(
        "Needs the permission `experts.import`. Experts that it added are deleted, changed ones get their earlier "
        "values, deactivated ones become active. What was changed since stays and is listed. Returns 409 if it was "
        "undone already."
    ),
)
def undo_import(request: HttpRequest, number: int = Path(ge=1, le=LARGEST_ID)) -> ImportUndone:
    """Raises HttpError 404 for an unknown import, 409 for one that was undone."""
    try:
        done = undo(number, caller(request))
    except ImportRecord.DoesNotExist:
        raise HttpError(404, _("There is no import %s, or it can no longer be undone.") % number) from None
    except ImportFailed as error:
        raise HttpError(409, str(error)) from None
    return ImportUndone(
        deleted=len(done.delete),
        restored=len(done.restore),
        activated=len(done.activate),
        left_alone=[LeftAloneOut.from_orm(each) for each in done.left_alone],
        conflicts=[_conflict(each, hidden_fields(caller(request))) for each in done.conflicts],
    )


def _conflict(conflict: FieldConflict, hidden: Collection[str]) -> FieldConflictOut:
    now, before = (None if conflict.field in hidden else text(value) for value in (conflict.now, conflict.before))
    return FieldConflictOut(username=conflict.username, field=conflict.field, now=now, before=before)
