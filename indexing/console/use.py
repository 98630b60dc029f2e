"""Counts what people do with experts: see `indexing.search.log.count_action`."""

from __future__ import annotations

from django.utils.http import url_has_allowed_host_and_scheme

from experts.models import Expert
from indexing.console.access import ConsoleRequest
from indexing.models.use import Action
from indexing.search import log


def count_visit(request: ConsoleRequest, action: Action, expert: Expert) -> None:
    """Count that a link of ours was followed. What another site makes a browser request is not counted."""
    if request.method == "GET" and _is_from_here(request):
        log.count_action(action, expert.pk, request.GET.get("q", ""), session=request.session.session_key)


def _is_from_here(request: ConsoleRequest) -> bool:
    """Whether a page of ours holds the link that was followed. Browsers say so in one of two headers."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    came_from = request.headers.get("Referer", "")
    return bool(came_from) and url_has_allowed_host_and_scheme(came_from, {request.get_host()})
