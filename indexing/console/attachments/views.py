"""Photos and documents of experts, for those who may see them.

A document comes from somewhere else: the browser stores it and shows nothing of it, whatever is in it.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import content_disposition_header, quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from experts.attachments import storage
from experts.attachments.kinds import CONTENT_TYPES
from experts.attachments.photos import PHOTO_TYPE
from experts.models import Document, Expert
from indexing.console.access import SEE_INACTIVE, ConsoleRequest, allowed, may
from indexing.lib.rights import DOCUMENTS

NOTHING_RUNS = "default-src 'none'; sandbox"


@require_safe
@allowed()
def photo(request: HttpRequest, expert_id: int, name: str) -> HttpResponse:
    """The photo of an active expert, a WebP picture. Another photo has another `name`, so that browsers may keep it,
    if they ask whether the reader may still see it. Raises Http404 without such a photo."""
    expert = get_object_or_404(Expert.objects.active().only("photo_file"), pk=expert_id)
    if not expert.photo_file or expert.photo_file != name:
        raise Http404
    mark = quote_etag(name)
    response = get_conditional_response(request, etag=mark) or _file(storage.PHOTOS, name, PHOTO_TYPE)
    response.headers["ETag"] = mark
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    patch_cache_control(response, private=True, no_cache=True)
    return response


@require_safe
@allowed(DOCUMENTS)
def document(request: ConsoleRequest, expert_id: int, document_id: int) -> HttpResponse:
    """A document as it was uploaded, to be stored.

    Raises Http404 without it, and if its expert is not active and the reader must not see such people.
    """
    found = get_object_or_404(Document.objects.select_related("expert"), pk=document_id, expert=expert_id)
    if not (found.expert.is_active or may(request.user, *SEE_INACTIVE)):
        raise Http404
    response = _file(storage.DOCUMENTS, found.stored_name, CONTENT_TYPES[Document.Kind(found.kind)])
    disposition = content_disposition_header(as_attachment=True, filename=str(found))
    response.headers["Content-Disposition"] = disposition or "attachment"
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return response


def _file(kind: str, name: str, content_type: str) -> HttpResponse:
    """At most 10 MB, so it is read as a whole. Raises Http404 if it is lost."""
    try:
        content = storage.path_of(kind, name).read_bytes()
    except FileNotFoundError:
        raise Http404(_("The file is missing in the data folder.")) from None
    return HttpResponse(content, content_type=content_type, headers={"X-Content-Type-Options": "nosniff"})
