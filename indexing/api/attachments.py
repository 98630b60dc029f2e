"""Documents and photos of experts, for programs that keep the directory."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import File, Path, Status
from ninja.errors import HttpError
from ninja.files import UploadedFile

from experts import editing
from experts.attachments import documents
from experts.attachments.photos import MAX_BYTES
from experts.models import Document
from experts.numbers import LARGEST_ID
from indexing.api.auth import caller, staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.attachments import DocumentList, DocumentOut
from indexing.api.schemas.common import REFUSALS, Refusal
from indexing.api.usernames import USERNAME, find_expert
from indexing.lib.rights import DOCUMENTS, may

router = StrictRouter(tags=["directory"])
CHANGE = "experts.change_expert"
ALL = "/experts/{path:username}/documents"
PHOTO = "/experts/{path:username}/photo"
PICTURE = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    "required": True,
}


@router.get(
    ALL,
    auth=staff("experts.view_expert", CHANGE),
    response={200: DocumentList, 404: Refusal, **REFUSALS},
    summary="List the documents of an expert",
    description=f"Needs the permissions `experts.view_expert` and `{DOCUMENTS}`. By name, without their texts.",
)
def list_documents(request: HttpRequest, username: str = USERNAME) -> DocumentList:
    """Raises HttpError 403 and 404."""
    expert = find_expert(username)
    _require(request, DOCUMENTS)
    return DocumentList(documents=[DocumentOut.from_document(each) for each in documents.documents_of(expert)])


@router.post(
    ALL,
    auth=staff(CHANGE),
    response={201: DocumentOut, 404: Refusal, **REFUSALS},
    summary="Add a document to an expert",
    description=(
        f"Needs the permissions `{CHANGE}` and `experts.add_document`. PDF, Word (.docx) or text, as a form with the "
        "part `file`, of at most `TCS_DOCUMENT_MAX_MB`. If its text cannot be read, `problem` says why."
    ),
)
def add_document(request: HttpRequest, file: File[UploadedFile], username: str = USERNAME) -> Status[DocumentOut]:
    """Raises FieldsInvalid (422) for what is not a document, HttpError 403 and 404."""
    expert = find_expert(username)
    _require(request, "experts.add_document")
    return Status(201, DocumentOut.from_document(editing.add_document(expert, file, caller(request))))


@router.delete(
    ALL + "/{int:number}",
    auth=staff(CHANGE),
    response={204: None, 404: Refusal, **REFUSALS},
    summary="Remove a document of an expert",
    description=f"Needs the permissions `{CHANGE}` and `experts.delete_document`. `number` is a document's `id`.",
)
def remove_document(
    request: HttpRequest, username: str = USERNAME, number: int = Path(ge=1, le=LARGEST_ID)
) -> Status[None]:
    """Raises HttpError 403 and 404."""
    expert = find_expert(username)
    _require(request, "experts.delete_document")
    document = Document.objects.filter(expert=expert, pk=number).first()
    if document is None:
        raise HttpError(404, _("This expert has no document %(number)s.") % {"number": number})
    editing.remove_document(document, caller(request))
    return Status(204, None)


@router.put(
    PHOTO,
    auth=staff(CHANGE),
    response={204: None, 404: Refusal, **REFUSALS},
    summary="Set the photo of an expert",
    description=(
        f"Needs the permission `{CHANGE}`. The body is the picture: JPEG, PNG, WebP or GIF, of at most "
        f"{MAX_BYTES // 2**20} MB. It is made smaller, and where it was taken is removed."
    ),
    openapi_extra={"requestBody": PICTURE},
)
def set_photo(request: HttpRequest, username: str = USERNAME) -> Status[None]:
    """Raises FieldsInvalid (422) for what is not a picture, HttpError 404."""
    expert = find_expert(username)
    editing.set_photo(expert, request.read(MAX_BYTES + 1), caller(request))
    return Status(204, None)


@router.delete(
    PHOTO,
    auth=staff(CHANGE),
    response={204: None, 404: Refusal, **REFUSALS},
    summary="Remove the photo of an expert",
    description=f"Needs the permission `{CHANGE}`. Without one, nothing happens.",
)
def remove_photo(request: HttpRequest, username: str = USERNAME) -> Status[None]:
    """Raises HttpError 404."""
    editing.remove_photo(find_expert(username), caller(request))
    return Status(204, None)


def _require(request: HttpRequest, permission: str) -> None:
    """Raises HttpError 403 without it."""
    if not may(caller(request), permission):
        raise HttpError(
            403,
            _("%(user)s lacks the permission “%(permission)s”.")
            % {"user": caller(request).get_username(), "permission": permission},
        )
