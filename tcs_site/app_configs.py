"""Apps of others with names and a site of our own. Imported before any model can be."""

from __future__ import annotations

from axes.apps import AppConfig as AxesConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class OrderedAdmin(AdminConfig):
    default_site = "tcs_site.admin_site.Site"


class SignIns(AxesConfig):
    verbose_name = _("Sign-ins")
