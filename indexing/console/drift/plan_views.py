"""Preview of a rebuild. It is computed only on request, since it reads the whole directory."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indexing import drift
from indexing.console.access import VIEW, ConsoleRequest, allowed, rights_of
from indexing.console.changes import FIELD_NAMES
from indexing.console.responses import page_or_fragment
from indexing.errors import NoIndexYet
from indexing.serving import live


@require_safe
@never_cache
@allowed(VIEW)
def plan(request: ConsoleRequest) -> HttpResponse:
    """What a rebuild would do, as a part of the index page or as a page of its own; nothing is changed."""
    try:
        snapshot = live.current()
    except NoIndexYet:
        snapshot = None
    planned = drift.plan_rebuild(snapshot)
    context = {
        "title": _("What would change"),
        "plan": planned,
        "compared_with": snapshot.number if snapshot else None,
        "fields": [(FIELD_NAMES[name], count) for name, count in planned.fields.items()],
        "rights": rights_of(request.user),
    }
    return page_or_fragment(request, context, page="indexing/drift/plan.html", fragment="indexing/drift/_plan.html")
