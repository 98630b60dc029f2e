"""The page of one expert, for everybody who may search."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from experts.models import Expert
from indexing.console.access import SEE_INACTIVE, VIEW, ConsoleRequest, allowed, may
from indexing.console.profiles.presentation import profile_context
from indexing.console.responses import kept_for_back
from indexing.console.use import count_visit
from indexing.errors import NoIndexYet
from indexing.models.use import Action
from indexing.serving import live
from indexing.snapshot.reader import Snapshot

EDIT, CONTACT_RIGHT, DOCUMENTS_RIGHT = "experts.change_expert", "experts.view_contact", "experts.view_document"


@require_safe
@kept_for_back
@allowed()
def profile_page(request: ConsoleRequest, username: str) -> HttpResponse:
    """By any spelling of the username, which the address of the page then shows; also by one that was changed since.

    A page with status 404 says so if there is nobody, or if the reader may not see them.
    """
    expert = Expert.objects.by_username(username) or Expert.objects.once_called(username)
    if expert is None:
        return _absent(request, {"username": username})
    if expert.username != username or "/" in username:
        return _to_page_of(request, expert)
    return _page(request, expert)


@require_safe
@kept_for_back
@allowed()
def profile_by_id(request: ConsoleRequest, expert_id: int) -> HttpResponse:
    """For usernames that cannot be part of an address; others are redirected. Raises Http404."""
    expert = Expert.objects.filter(pk=expert_id).first()
    if expert is None:
        raise Http404
    if expert.get_absolute_url() != request.path:
        return _to_page_of(request, expert)
    return _page(request, expert)


def _page(request: ConsoleRequest, expert: Expert) -> HttpResponse:
    if not (expert.is_active or may(request.user, *SEE_INACTIVE)):
        return _absent(request, {"hidden": True})
    if expert.is_active:
        count_visit(request, Action.OPENED, expert)
    may_edit, may_see_documents = may(request.user, EDIT), may(request.user, DOCUMENTS_RIGHT)
    rights = {"with_rejected": may_edit, "with_documents": may_see_documents}
    context = profile_context(expert, _snapshot(), request.GET, **rights)
    context |= {
        "may_edit": may_edit,
        "may_see_contact": may(request.user, CONTACT_RIGHT),
        "documents": list(expert.documents.all()) if may_see_documents else [],
        "may_see_index": may(request.user, VIEW),
    }
    return render(request, "indexing/profiles/profile.html", context)


def _to_page_of(request: ConsoleRequest, expert: Expert) -> HttpResponse:
    given = request.GET.urlencode()
    return redirect(expert.get_absolute_url() + (f"?{given}" if given else ""))


def _absent(request: ConsoleRequest, context: dict[str, Any]) -> HttpResponse:
    context["search_address"] = reverse("search")
    return render(request, "indexing/profiles/absent.html", context, status=404)


def _snapshot() -> Snapshot | None:
    try:
        return live.current()
    except NoIndexYet:
        return None
