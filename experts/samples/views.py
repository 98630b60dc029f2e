"""The page that removes the sample directory."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from experts.importing.access import admin_context, after_import
from experts.samples.removal import remove_samples, samples


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest) -> HttpResponse:
    """Asks whether to, and does it. Raises PermissionDenied for users who may not delete experts."""
    if not request.user.has_perm("experts.delete_expert"):
        raise PermissionDenied
    assert isinstance(request.user, User)
    if request.method != "POST":
        context = {"title": _("Remove the samples"), "samples": samples().count()}
        return TemplateResponse(request, "admin/experts/expert/remove_samples.html", admin_context(request, context))
    count = remove_samples(request.user)
    if count:
        sentence = ngettext("%s sample expert was removed.", "%s sample experts were removed.", count)
        messages.success(request, sentence % count)
    else:
        messages.info(request, _("There are no sample experts."))
    return redirect(after_import(request.user))
