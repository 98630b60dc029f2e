"""The admin: the order of its apps, and limits on what its lists are asked."""

from __future__ import annotations

from functools import wraps
from typing import Any, cast

from django.contrib.admin import AdminSite
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts import views as account_views
from accounts.forms import OwnPasswordForm
from tcs_site.admin_deletion import delete_selected
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
        """As Django's; whoever is signed in and is not staff gets a 403, not the form to sign in."""
        inner = super().admin_view(limited(view), cacheable)

        @wraps(inner)
        def staff_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return inner(request, *args, **kwargs)

        return cast(View, staff_only)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The page on which everybody signs in: staff are led on to the admin."""
        return account_views.sign_in(request, next_page="admin:index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As for everybody: back to the page to sign in."""
        return account_views.sign_out(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As Django's, with a form that slows down guessing."""
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)
