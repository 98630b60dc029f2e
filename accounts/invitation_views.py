"""Staff invite people who only search; these accept and are signed in."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import invitations
from accounts.forms import AcceptForm, InviteForm
from accounts.models import Invitation
from indexing import audit
from indexing.console.access import ConsoleRequest, actor, allowed

INVITE = "accounts.invite"
BACKEND = "django.contrib.auth.backends.ModelBackend"
SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(INVITE)
def invitations_page(request: ConsoleRequest) -> HttpResponse:
    """The open invitations, and the form to invite. Links that were not sent are shown once, in the answer."""
    form, invited, known = InviteForm(request.POST or None), [], []
    if request.method == "POST" and form.is_valid():
        known = [email for email in form.cleaned_data["emails"] if invitations.has_account(email)]
        new = [email for email in form.cleaned_data["emails"] if email not in known]
        invited = invitations.invite(new, request.user, lambda secret: _link(request, secret))
        for each in invited:
            audit.record(actor(request), gettext_noop("invited %(email)s"), email=each.email)
        form = InviteForm()
    context = {
        "form": form,
        "known": known,
        "sent": [each.email for each in invited if each.by_mail],
        "unsent": [each for each in invited if not each.by_mail],
        "mail_is_set": settings.MAIL_IS_SET,
        "days": settings.TCS_INVITATION_DAYS,
        "open": Invitation.objects.open().select_related("invited_by")[:SHOWN],
    }
    return render(request, "accounts/invitations.html", context)


@require_POST
@allowed(INVITE)
def revoke(request: ConsoleRequest, invitation_id: int) -> HttpResponse:
    """End an invitation. Raises Http404 without an open one."""
    invitation = get_object_or_404(Invitation.objects.open(), pk=invitation_id)
    Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now())
    audit.record(actor(request), gettext_noop("withdrew the invitation of %(email)s"), email=invitation.email)
    messages.success(request, _("The invitation of %s was withdrawn.") % invitation.email)
    return redirect("accounts:invitations")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
def accept(request: HttpRequest, secret: str) -> HttpResponse:
    """The page to which an invitation leads: a name, a password, and on to the search."""
    invitation = Invitation.objects.by_secret(secret)
    if invitation is None:
        return render(request, "accounts/invitation_ended.html", status=HTTPStatus.GONE)
    form = AcceptForm(User(username=invitation.email, email=invitation.email), request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        user = invitations.accept(invitation, values["new_password1"], values["first_name"], values["last_name"])
        if user is None:
            return render(request, "accounts/invitation_ended.html", status=HTTPStatus.GONE)
        login(request, user, BACKEND)
        return redirect("search")
    return render(request, "accounts/accept.html", {"form": form, "email": invitation.email})


def _link(request: HttpRequest, secret: str) -> str:
    return request.build_absolute_uri(reverse("accounts:accept", args=[secret]))
