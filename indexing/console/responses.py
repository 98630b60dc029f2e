"""What the console's views have in common: the admin's frame, page or fragment, notices."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_cache_control, patch_vary_headers
from django.utils.html import format_html
from django.utils.translation import gettext as _

from indexing.console.access import ConsoleRequest, View


def admin_context(request: ConsoleRequest) -> dict[str, Any]:
    return admin.site.each_context(request)


def wants_fragment(request: ConsoleRequest) -> bool:
    """Whether htmx requests a part of the page. When the reader goes back in the history it requests all of it."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def kept_for_back(view: View) -> View:
    """The browser may keep the page for the way back (session.js looks to it that nobody else sees it), nothing else:
    neither a part of the page, which has the same address, nor what was refused.
    """

    @wraps(view)
    def kept(request: ConsoleRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 200 and not request.htmx:
            patch_cache_control(response, private=True, no_cache=True)
        else:
            add_never_cache_headers(response)
        return response

    return kept


def page_or_fragment(
    request: ConsoleRequest,
    context: dict[str, Any],
    *,
    page: str,
    fragment: str,
    status: int = 200,
    in_admin: bool = True,
) -> HttpResponse:
    """Render the template `fragment` for htmx, otherwise `page`: both have the same address.

    A fragment always has status 200, because htmx does not show what comes with an error.
    """
    if wants_fragment(request):
        response = render(request, fragment, context)
    else:
        frame = admin_context(request) if in_admin else {}
        response = render(request, page, frame | context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def accepted(
    request: ConsoleRequest, sentence: str, then: str = "index:page", *, undo: int | None = None
) -> HttpResponse:
    """The action is done, or will be: to htmx a notice, otherwise a redirect to the page named `then`.

    `undo` is the key of the `Publication` that the notice offers to undo: at once, or without htmx on a page of its
    own.
    """
    if request.htmx:
        context = {"level": "success", "sentence": sentence, "undo": undo}
        return render(request, "indexing/shared/_notice.html", context)
    if undo is not None:
        address = f"{reverse('index:undo')}?publication={undo}"
        sentence = format_html('{} <a href="{}">{}</a>', sentence, address, _("Undo…"))
    messages.success(request, sentence)
    return redirect(then)


def conflict(request: ConsoleRequest, sentence: str) -> HttpResponse:
    """The response for htmx to an action that is not possible now: a notice with `sentence`.

    The status is 409 whatever the reason: htmx is set to show no other error (`shared/_htmx.html`), so that the page
    for a failed server (503) does not end up inside another page. Without htmx the status is the error's own.
    """
    return render(request, "indexing/shared/_notice.html", {"level": "error", "sentence": sentence}, status=409)
