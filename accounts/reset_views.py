"""A new password by mail, where a mail server is set."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import ResetForm


class RequestResetView(PasswordResetView):
    form_class = ResetForm
    template_name = "accounts/reset.html"
    email_template_name = "accounts/reset_mail.txt"
    subject_template_name = "accounts/reset_subject.txt"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "address": str(self.request.META.get("REMOTE_ADDR") or "")}


@require_http_methods(["GET", "HEAD", "POST"])
def request_reset(request: HttpRequest) -> HttpResponseBase:
    """Asks for the address. Raises Http404 without a mail server."""
    _need_mail()
    return RequestResetView.as_view(success_url=reverse("accounts:reset-sent"))(request)


@require_safe
@never_cache
def reset_sent(request: HttpRequest) -> HttpResponseBase:
    """Raises Http404 without a mail server."""
    _need_mail()
    return render(request, "accounts/reset_sent.html")


@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, uidb64: str, token: str) -> HttpResponseBase:
    """Where the mail leads: asks for the new password. Raises Http404 without a mail server."""
    _need_mail()
    view = PasswordResetConfirmView.as_view(
        template_name="accounts/reset_confirm.html", success_url=reverse("accounts:sign-in")
    )
    response = view(request, uidb64=uidb64, token=token)
    if request.method == "POST" and response.status_code == 302:
        messages.success(request, _("Your password was changed. Sign in with the new one."))
    return response


def _need_mail() -> None:
    if not settings.MAIL_IS_SET:
        raise Http404
