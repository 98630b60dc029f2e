"""To the provider, and back."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from accounts.oidc import provider
from accounts.oidc.backend import OidcRequest
from accounts.oidc.provider import ProviderUnavailable


class StartView(OIDCAuthenticationRequestView):
    get_settings = staticmethod(provider.setting)


class ReturnView(OIDCAuthenticationCallbackView):
    get_settings = staticmethod(provider.setting)

    def login_failure(self) -> HttpResponseBase:
        return _refused(self.request, getattr(self.request, "oidc_refusal", ""))


@require_GET
@never_cache
def start(request: HttpRequest) -> HttpResponseBase:
    """Leads to the provider. Raises Http404 where none is set."""
    _need_provider()
    try:
        response: HttpResponseBase = StartView.as_view()(request)
        return response
    except ProviderUnavailable as error:
        provider.logger.warning("The OpenID Connect provider cannot be used: %s.", error)
        name = settings.TCS_OIDC_NAME or settings.TCS_OIDC_ISSUER
        return _refused(request, _("%s does not answer. Try again in a minute, or sign in with a password.") % name)


@require_GET
@never_cache
def come_back(request: OidcRequest) -> HttpResponseBase:
    """Where the provider leads back to. Raises Http404 where none is set."""
    _need_provider()
    if "error" in request.GET:
        return _refused(request, _("You were not signed in, because it was cancelled or refused there."))
    request.signs_in_elsewhere = True
    try:
        response: HttpResponseBase = ReturnView.as_view()(request)
        return response
    except SuspiciousOperation:  # a state of another session, or one that was used before
        return _refused(request, "")


def _refused(request: HttpRequest, sentence: str) -> HttpResponseBase:
    messages.error(request, sentence or _("Signing in took too long or was started in another browser. Try again."))
    return redirect("accounts:sign-in")


def _need_provider() -> None:
    if not settings.TCS_OIDC_ISSUER:
        raise Http404
