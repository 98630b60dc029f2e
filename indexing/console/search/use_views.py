"""What people do with results: look at a contact, say that somebody is not a match. Counted without names.

Profiles elsewhere are linked through an address of ours that counts and leads on, so nothing runs in the browser; a
press of an e-mail address or a phone number is counted beside it. Only people who may search get there; what another
site makes a browser request is led on and not counted. Opening somebody is counted by their page.
"""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from experts.models import Expert
from experts.numbers import whole_number
from indexing.console.access import ConsoleRequest, allowed
from indexing.console.use import count_visit
from indexing.models.use import Action
from indexing.search import log


@require_safe
@never_cache
@allowed()
def show_contact(request: ConsoleRequest, expert_id: int) -> HttpResponse:
    """Count that a contact was shown, and lead to the expert's profile elsewhere. Raises Http404 without one.

    For htmx it only counts: an e-mail address or a phone number was pressed.
    """
    expert = _expert(expert_id)
    if not (expert.profile_link or request.htmx):
        raise Http404
    count_visit(request, Action.CONTACTED, expert)
    return HttpResponse(status=HTTPStatus.NO_CONTENT) if request.htmx else redirect(expert.profile_link)


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
