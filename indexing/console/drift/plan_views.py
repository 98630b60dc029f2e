"""What a rebuild would change: worked out when somebody asks, since it reads the whole directory."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indexing import drift
from indexing.console.access import VIEW, ConsoleRequest, allowed, rights_of
from indexing.console.responses import admin_context
from indexing.errors import NoIndexYet
from indexing.serving import live

FIELD_NAMES = {
    "username": gettext_lazy("username"),
    "name": gettext_lazy("name"),
    "job_title": gettext_lazy("job title"),
    "company": gettext_lazy("company"),
    "bio": gettext_lazy("bio"),
    "rate": gettext_lazy("rate"),
    "currency": gettext_lazy("currency"),
    "category": gettext_lazy("category"),
    "photo": gettext_lazy("photo"),
    "manual_tags": gettext_lazy("tags given by hand"),
}
"""`experts.profiles.text.FIELDS` in words."""


@require_safe
@never_cache
@allowed(VIEW)
def plan(request: ConsoleRequest) -> HttpResponse:
    try:
        snapshot = live.current()
    except NoIndexYet:
        snapshot = None
    planned = drift.plan(snapshot)
    context = {
        "title": _("What would change"),
        "plan": planned,
        "compared_with": snapshot.number if snapshot else None,
        "fields": [(FIELD_NAMES[name], count) for name, count in planned.fields.items()],
        "rights": rights_of(request.user),
    }
    if request.htmx and not request.htmx.history_restore_request:
        response = render(request, "indexing/drift/_plan.html", context)
    else:
        response = render(request, "indexing/drift/plan.html", admin_context(request) | context)
    patch_vary_headers(response, ["HX-Request"])
    return response
