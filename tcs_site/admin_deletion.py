"""The admin's action that deletes what is selected, also for more rows than a form may have fields."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin, action, actions
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

TEMPLATE = "admin/delete_selected_confirmation.html"


@action(permissions=["delete"], description=gettext_lazy("Delete selected %(verbose_name_plural)s"))
def delete_selected(
    modeladmin: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]
) -> TemplateResponse | None:
    """Django's own action. After “Select all”, the page that asks for confirmation does not repeat every row.

    It names the list instead, and a hash of its rows: rows that come to the list before somebody confirms are not
    deleted unseen.
    """
    across = request.POST.get("select_across") == "1"
    shown = _hash(queryset) if across else ""
    if across and request.POST.get("post") and request.POST.get("shown") != shown:
        messages.warning(request, _("Nothing was deleted, because the list has changed. Look at it once more."))
        posted: Any = request.POST.copy()
        del posted["post"]
        request.POST = posted
    response = actions.delete_selected(modeladmin, request, queryset)
    if isinstance(response, TemplateResponse):
        response.template_name = TEMPLATE
        rows = queryset[:1] if across else queryset  # Django's list acts on no request without any row
        response.context_data = (response.context_data or {}) | {"queryset": rows, "shown": shown}
    return response


def _hash(queryset: QuerySet[Any]) -> str:
    keys = sorted(queryset.order_by().values_list("pk", flat=True))
    return hashlib.sha256(repr(keys).encode()).hexdigest()
