"""Undoing that somebody published a version or rolled back."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from experts.numbers import whole_number
from indexing.console.access import PUBLISH, ConsoleRequest, actor, allowed
from indexing.console.responses import accepted, admin_context, conflict
from indexing.errors import IndexingError
from indexing.lib.translation import translated
from indexing.models import RebuildRun
from indexing.versions import decisions


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(PUBLISH)
def undo(request: ConsoleRequest) -> HttpResponse:
    """GET shows the confirmation page, for a browser without JavaScript; POST undoes."""
    parameters = request.POST if request.method == "POST" else request.GET
    publication = whole_number(parameters.get("publication"))
    context = admin_context(request) | {"title": _("Undo"), "publication": publication}
    status = HTTPStatus.OK
    try:
        if request.method == "POST":
            number = decisions.undo(publication, actor(request))
            return accepted(request, _("Undone: version %(number)s is live again.") % {"number": number})
        undone, earlier = decisions.undoable(publication)
    except IndexingError as error:
        if request.htmx:
            return conflict(request, translated(error))
        context["problem"], status = translated(error), error.status
    else:
        active = RebuildRun.objects.active().first()
        context |= {"possible": True, "undone": undone, "earlier": earlier, "active": active}
    return render(request, "indexing/versions/confirm_undo.html", context, status=status)
