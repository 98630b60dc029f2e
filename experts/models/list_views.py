"""How somebody wants to see the admin's list of experts: its columns, and views that are saved under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import CASCADE, SET_NULL
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from experts.safe_text import without_bidi_controls

if TYPE_CHECKING:
    from django.db.models.deletion import Collector

LIST = "admin:experts_expert_changelist"
VIEW = "view"
"""The parameter of the list that says which saved view is open."""
MAX_QUERY = 2_000


def stay_if_shared(collector: Collector, field: models.Field[Any, Any], views: Any, using: str) -> None:
    """When a user is deleted: the views that colleagues use stay, without an owner; the others end with the user."""
    SET_NULL(collector, field, views.filter(is_shared=True), using)
    CASCADE(collector, field, views.filter(is_shared=False), using)


class ChosenColumns(models.Model):
    """The columns that somebody chose; whoever chose none sees those of `experts.admin.columns.DEFAULT`."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    columns = models.JSONField()
    """A list of keys of `experts.admin.columns.COLUMNS`."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return ", ".join(self.columns)


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def seen_by(self, user: User | AnonymousUser) -> SavedViewQuerySet:
        """The user's own views and those that others share."""
        return self.filter(models.Q(owner=user.pk) | models.Q(is_shared=True))


class SavedView(models.Model):
    """A list of experts that can be opened again: search, filters, order and columns."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, stay_if_shared, related_name="+", null=True)
    name = models.CharField(_("name"), max_length=60)
    is_shared = models.BooleanField(_("shared"), default=False)
    query = models.CharField(max_length=MAX_QUERY, blank=True)
    """The parameters of the list's address, without the page."""
    columns = models.JSONField()
    """As those of `ChosenColumns`."""

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name", "pk"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_view_of_a_name")]

    def __str__(self) -> str:
        return without_bidi_controls(self.name)

    def get_absolute_url(self) -> str:
        """The link to pass on. It leads to `address`, and to another one when the view is changed."""
        return reverse("admin:experts_expert_view", args=[self.pk])

    @property
    def address(self) -> str:
        return f"{reverse(LIST)}?{self.query}{'&' if self.query else ''}{VIEW}={self.pk}"

    def may_be_deleted_by(self, user: User | AnonymousUser) -> bool:
        return self.owner_id == user.pk or (self.is_shared and user.is_superuser)
