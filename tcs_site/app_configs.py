"""The order and names of apps on the admin's front page and in its sidebar."""

from __future__ import annotations

from typing import Any

from axes.apps import AppConfig as AxesConfig
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

FIRST = ("experts", "indexing", "auth")


class Site(AdminSite):
    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Apps by importance instead of by name: the directory before accounts and sign-ins."""
        place = {label: number for number, label in enumerate(FIRST)}
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: place.get(app["app_label"], len(FIRST)))


class OrderedAdmin(AdminConfig):
    default_site = "tcs_site.admin_site.Site"


class SignIns(AxesConfig):
    verbose_name = _("Sign-ins")
