"""The page /api/docs: the endpoints to read and to try, and a form that creates a token."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext
from ninja.openapi.docs import DocsBase

from experts.safe_text import visible, without_bidi_controls
from indexing import audit
from indexing.api.errors import refusal
from indexing.models import ApiToken, RebuildRun

if TYPE_CHECKING:
    from ninja import NinjaAPI

DAYS = (1, 7, 30, 90, 365)
CREATED = gettext_noop("API token “%(name)s” created, valid until %(until)s")


class TokenForm(forms.Form):
    """A name, and how long the token is valid: at most TCS_TOKEN_MAX_DAYS."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    days = forms.TypedChoiceField(label=gettext_lazy("Valid for"), coerce=int, choices=lambda: list(_lifetimes()))

    def clean_name(self) -> str:
        return visible(without_bidi_controls(self.cleaned_data["name"]), one_line=True)[:80]


def _lifetimes() -> Any:
    longest = settings.TCS_TOKEN_MAX_DAYS
    for days in sorted({longest, *(each for each in DAYS if each < longest)}):
        yield days, ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


class DocsPage(DocsBase):
    """Swagger UI in a page of this site. The secret of a new token is only on the page that answers the form."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        user = request.user if isinstance(request.user, User) and request.user.is_staff else None
        context: dict[str, Any] = {"document": self.get_openapi_url(api, kwargs)}
        if request.method == "POST" and user is None:
            return _not_staff(request)
        if user is not None:
            form = TokenForm(request.POST if request.method == "POST" else None)
            if form.is_valid():
                context["token"], context["secret"] = _create(request, user, **form.cleaned_data)
            context["form"] = form
        response = render(request, "indexing/api/docs.html", context)
        add_never_cache_headers(response)
        return response


def _create(request: HttpRequest, user: User, name: str, days: int) -> tuple[ApiToken, str]:
    """The token and its secret."""
    token, secret = ApiToken.objects.issue(user, name, timedelta(days=days))
    address = request.META.get("REMOTE_ADDR") or ""
    actor = audit.Actor(user.get_username(), RebuildRun.Via.PAGE, user, address)
    audit.record(actor, CREATED, name=name, until=token.expires_at)
    return token, secret


def _not_staff(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        name = request.user.get_username()
        return refusal(HTTPStatus.FORBIDDEN, _("%(user)s is not a member of staff.") % {"user": name})
    return refusal(HTTPStatus.UNAUTHORIZED, _("Sign in to create a token."))
