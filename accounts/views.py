"""Signing in and out, and one's own password: for staff and for people who only search."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import OwnPasswordForm


class SignInView(LoginView):
    """Leads on to where somebody wanted to go, otherwise to the search."""

    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """The address to lead on to, never that of signing in: it would lead to itself."""
        address = super().get_redirect_url()
        return "" if urlsplit(address).path in (self.request.path, reverse("accounts:sign-in")) else address


@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, **options: Any) -> HttpResponseBase:
    """The page to sign in. Who is signed in already is led on. `options` are those of the view class."""
    return SignInView.as_view(extra_context=_ways(), **options)(request)


def _ways() -> dict[str, Any]:
    """The ways to sign in that this installation has."""
    return {
        "mail_is_set": settings.MAIL_IS_SET,
        "single_sign_on": bool(settings.TCS_OIDC_ISSUER),
        "provider_name": settings.TCS_OIDC_NAME,
    }


@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    return LogoutView.as_view(next_page="accounts:sign-in")(request)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change_password(request: HttpRequest) -> HttpResponseBase:
    """The page to change one's own password. Raises PermissionDenied for who has none, but signs in elsewhere."""
    if request.user.is_authenticated and not request.user.has_usable_password():
        raise PermissionDenied(_("Your account has no password here: you sign in with your organisation’s account."))
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm, template_name="accounts/password.html", success_url=request.path
    )
    response = view(request)
    if response.status_code == 302:
        messages.success(request, _("Your password was changed."))
    return response
