"""The admin: the order of its apps, and limits on what its lists are asked."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.urls import reverse

from tcs_site.admin_deletion import delete_selected
from tcs_site.admin_forms import OwnPasswordForm
from tcs_site.admin_parameters import View, limited

FIRST = ("experts", "indexing", "auth")


class Site(AdminSite):
    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._actions = {"delete_selected": delete_selected}
        self._global_actions = self._actions.copy()

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Apps by importance instead of by name: the directory before accounts and sign-ins."""
        place = {label: number for number, label in enumerate(FIRST)}
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: place.get(app["app_label"], len(FIRST)))

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        return super().admin_view(limited(view), cacheable)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As Django's, with a form that slows down guessing."""
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)
