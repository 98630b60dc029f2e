"""What people do with results: open them, look at a contact, say that somebody is not a match. Counted without names.

Results link to addresses of ours that count and lead on, so nothing runs in the browser. Only those get there who
may search; what another site makes a browser ask for is led on and not counted.
"""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from experts.models import Expert
from experts.numbers import whole_number
from indexing.console.access import ConsoleRequest, allowed
from indexing.models.use import Action
from indexing.search import log


@require_safe
@never_cache
@allowed()
def open_expert(request: ConsoleRequest, expert_id: int) -> HttpResponse:
    """Count that a result was opened, and lead to its page. Raises Http404 without such an active expert."""
    expert = _expert(expert_id)
    _count_link(request, Action.OPENED, expert)
    return redirect(expert.get_absolute_url())


@require_safe
@never_cache
@allowed()
def show_contact(request: ConsoleRequest, expert_id: int) -> HttpResponse:
    """Count that a contact was shown, and lead to the expert's profile elsewhere. Raises Http404 without one."""
    expert = _expert(expert_id)
    if not expert.profile_link:
        raise Http404
    _count_link(request, Action.CONTACTED, expert)
    return redirect(expert.profile_link)


@require_POST
@never_cache
@allowed()
def not_a_match(request: ConsoleRequest) -> HttpResponse:
    """Count it, and say so in place of the button, or without htmx on the page of results.

    Raises Http404 without such an active expert.
    """
    expert = _expert(whole_number(request.POST.get("expert")))
    address = request.GET.copy()  # that of the results
    log.count_action(Action.REJECTED, expert.pk, address.get("q", ""), session=request.session.session_key)
    if request.htmx:
        return render(request, "indexing/search/_noted.html")
    address["noted"] = str(expert.pk)
    return redirect(f"{reverse('search')}?{address.urlencode()}#expert-{expert.pk}")


def _expert(expert_id: int | None) -> Expert:
    expert: Expert = get_object_or_404(Expert.objects.active(), pk=expert_id)
    return expert


def _count_link(request: ConsoleRequest, action: Action, expert: Expert) -> None:
    if request.method == "GET" and _is_from_here(request):
        log.count_action(action, expert.pk, request.GET.get("q", ""), session=request.session.session_key)


def _is_from_here(request: ConsoleRequest) -> bool:
    """Whether a page of ours holds the link that was followed. Browsers say so in one of two headers."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    came_from = request.headers.get("Referer", "")
    return bool(came_from) and url_has_allowed_host_and_scheme(came_from, {request.get_host()})
