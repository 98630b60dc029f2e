"""The button that removes the sample directory."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from experts.importing.access import after_import
from experts.samples.removal import remove_samples


@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Raises PermissionDenied for users who may not delete experts."""
    if not request.user.has_perm("experts.delete_expert"):
        raise PermissionDenied
    assert isinstance(request.user, User)
    count = remove_samples(request.user)
    if count:
        sentence = ngettext("%s sample expert was removed.", "%s sample experts were removed.", count)
        messages.success(request, sentence % count)
    else:
        messages.info(request, _("There are no sample experts."))
    return redirect(after_import(request.user))
