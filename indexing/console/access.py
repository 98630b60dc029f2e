"""Who may see and do what in the console: the same rules for the pages and the socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from indexing.audit import Actor
from indexing.lib.rights import may as may
from indexing.models import RebuildRun

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

LOGIN = "accounts:sign-in"
VIEW, REBUILD, CANCEL, PUBLISH = "indexing.view", "indexing.rebuild", "indexing.cancel", "indexing.publish"
IMPORT = "experts.import"
SEE_INACTIVE = ("experts.view_expert", "experts.change_expert")
"""Either shows experts who are not active."""

View = Callable[..., HttpResponseBase]


class ConsoleRequest(HttpRequest):
    """What a guarded view gets: its user is signed in."""

    user: User
    htmx: HtmxDetails


@dataclass(frozen=True, slots=True)
class Rights:
    view: bool
    rebuild: bool
    cancel: bool
    publish: bool
    imports: bool = False
    """May import experts from a file, and undo that."""


def rights_of(user: User | AnonymousUser) -> Rights:
    return Rights(
        view=may(user, VIEW),
        rebuild=may(user, REBUILD),
        cancel=may(user, REBUILD, CANCEL),
        publish=may(user, PUBLISH),
        imports=may(user, IMPORT),
    )


def allowed(*permissions: str) -> Callable[[View], View]:
    """A view for staff with any of `permissions`; with none named, for whoever may search.

    Others are sent to the sign-in page, or get a 403.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_login(request)
            if not may(request.user, *permissions):
                raise PermissionDenied(_("Your account does not have the permission that this page needs."))
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def actor(request: ConsoleRequest, via: RebuildRun.Via = RebuildRun.Via.PAGE) -> Actor:
    user = request.user
    return Actor(user.get_username(), via, user, str(request.META.get("REMOTE_ADDR") or ""))


def _to_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login page and back. With htmx the browser navigates, or the login would replace a fragment."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]  # set by its middleware
    if not htmx:
        return redirect_to_login(request.get_full_path(), resolve_url(LOGIN))
    back = htmx.current_url_abs_path or "/"
    if request.method == "GET" and back.partition("?")[0] == request.path:
        back = request.get_full_path()  # a part of the same page: its address has what was typed last
    return HttpResponseClientRedirect(redirect_to_login(back, resolve_url(LOGIN)).url)
