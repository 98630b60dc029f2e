"""What the pages of imports share: who may open them, and the frame of the admin."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from experts.models import Expert

View = Callable[..., HttpResponse]


def may_import(view: View) -> View:
    """Wrap a view for users with the permission `experts.import`. The view raises PermissionDenied for others."""

    @wraps(view)
    def checked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        if not request.user.has_perm("experts.import"):
            raise PermissionDenied
        return view(request, *arguments, **named)

    return checked


def after_import(user: User | AnonymousUser) -> str:
    """The name of the page to show then: the list of experts, or the page of imports for those who may not see it."""
    may_see = user.has_perm("experts.view_expert") or user.has_perm("experts.change_expert")
    return "admin:experts_expert_changelist" if may_see else "admin:experts_expert_import"


def admin_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "opts": Expert._meta,
        "after_import": after_import(request.user),
        **context,
    }
