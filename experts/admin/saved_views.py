"""Columns and saved views of the list of experts: what its menus show, and what their forms do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.options import IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR, ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from experts.admin.columns import COLUMNS, NAME, allowed_columns, known_columns, moved_up
from experts.models import ChosenColumns, Expert, SavedView
from experts.models.list_views import LIST, MAX_QUERY, VIEW
from experts.numbers import whole_number

PASSING = (PAGE_VAR, ALL_VAR, ERROR_FLAG, IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR, VIEW)
"""Parameters of the list's address that a view leaves out."""


class SavedViewForm(forms.ModelForm):
    query = forms.CharField(required=False)

    class Meta:
        model = SavedView
        fields = ("name", "is_shared")

    def clean_query(self) -> str:
        """Raises ValidationError if the address is longer than what is stored."""
        query = lasting(self.cleaned_data["query"])
        if len(query) > MAX_QUERY:
            raise forms.ValidationError(_("The filters of this list are too long to be saved."))
        return query


def lasting(query: str) -> str:
    """The parameters of an address of the list without those that say where somebody is in it."""
    parameters = QueryDict(query.lstrip("?")[: 2 * MAX_QUERY], mutable=True)
    for name in PASSING:
        parameters.pop(name, None)
    return parameters.urlencode()


def menus(request: HttpRequest, changes: ChangeList) -> dict[str, Any]:
    """What the two menus above the list show."""
    shown = [str(column) for column in changes.list_display]
    views = list(SavedView.objects.seen_by(request.user).select_related("owner"))
    number = whole_number(request.GET.get(VIEW))
    opened = next((view for view in views if view.pk == number), None)
    columns = [
        (column, label_for_field(column, Expert, changes.model_admin), column in shown)
        for column in known_columns(request.user, [*shown, *allowed_columns(request.user)])
        if column != NAME
    ]
    owns = opened is not None and opened.owner_id == request.user.pk
    return {
        "list_columns": columns,
        "own_views": [view for view in views if view.owner_id == request.user.pk],
        "shared_views": [view for view in views if view.owner_id != request.user.pk],
        "opened_view": opened,
        "owns_view": owns,
        "shares_view": owns and opened is not None and opened.is_shared,
        "may_delete_view": opened is not None and opened.may_be_deleted_by(request.user),
        "list_query": lasting(request.GET.urlencode()),
        "shown_columns": [column for column in shown if column in allowed_columns(request.user)],
    }


def urls(site: AdminSite) -> list[URLPattern]:
    return [
        path("columns/", site.admin_view(choose_columns), name="experts_expert_columns"),
        path("views/", site.admin_view(save_view), name="experts_expert_save_view"),
        path("views/<int:number>/", site.admin_view(open_view), name="experts_expert_view"),
        path("views/<int:number>/delete/", site.admin_view(delete_view), name="experts_expert_delete_view"),
    ]


def may_see_experts(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wrap a view for users who may see the list. The view raises PermissionDenied for others."""

    @wraps(view)
    def checked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        if not (request.user.has_perm("experts.view_expert") or request.user.has_perm("experts.change_expert")):
            raise PermissionDenied
        return view(request, *arguments, **named)

    return checked


@require_POST
@may_see_experts
def choose_columns(request: HttpRequest) -> HttpResponse:
    """Store which columns the user sees from now on, on every computer, and in which order."""
    assert isinstance(request.user, User)
    mine, up = ChosenColumns.objects.filter(user=request.user), request.POST.get("up", "")
    if "usual" in request.POST:
        mine.delete()
    else:
        columns = moved_up(known_columns(request.user, request.POST.getlist("column")), up)
        ChosenColumns.objects.update_or_create(user=request.user, defaults={"columns": columns})
    # Browsers open the menu again to show the place that an address names.
    place = f"#column-{up}" if up in COLUMNS else ""
    return redirect(f"{reverse(LIST)}?{lasting(request.POST.get('query', ''))}{place}")


@require_POST
@may_see_experts
def save_view(request: HttpRequest) -> HttpResponse:
    """Save the list as a view of this name; a view that the user has under it is replaced."""
    assert isinstance(request.user, User)
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        for error in form.errors.values():
            messages.error(request, error.as_text().removeprefix("* "))
        return redirect(f"{reverse(LIST)}?{lasting(request.POST.get('query', ''))}")
    given = form.cleaned_data
    with transaction.atomic():
        view, added = SavedView.objects.update_or_create(
            owner=request.user,
            name=given["name"],
            defaults={
                "is_shared": given["is_shared"],
                "query": given["query"],
                "columns": known_columns(request.user, request.POST.getlist("column")),
            },
        )
        _log(request.user, view, ADDITION if added else CHANGE)
    if view.is_shared:
        sentence = _("“%(name)s” is saved. Everybody who may see the list of experts can open it.")
    else:
        sentence = _("“%(name)s” is saved. Only you can open it.")
    messages.success(request, sentence % {"name": view})
    return redirect(view.address)


@require_GET
@may_see_experts
def open_view(request: HttpRequest, number: int) -> HttpResponse:
    return redirect(_seen(request, number).address)


@require_POST
@may_see_experts
def delete_view(request: HttpRequest, number: int) -> HttpResponse:
    """Raises PermissionDenied for a view that somebody else shares."""
    view = _seen(request, number)
    if not view.may_be_deleted_by(request.user):
        raise PermissionDenied
    assert isinstance(request.user, User)
    with transaction.atomic():
        _log(request.user, view, DELETION)
        view.delete()
    messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view})
    return redirect(LIST)


def _seen(request: HttpRequest, number: int) -> SavedView:
    return get_object_or_404(SavedView.objects.seen_by(request.user), pk=whole_number(number))


def _log(user: User, view: SavedView, flag: int) -> None:
    LogEntry.objects.log_actions(user.pk, [view], flag, "")
