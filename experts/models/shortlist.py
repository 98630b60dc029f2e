"""Lists of experts that people make for themselves, and show to others."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experts.safe_text import without_bidi_controls


class ShortlistQuerySet(models.QuerySet["Shortlist"]):
    def readable_by(self, user_id: int | None) -> ShortlistQuerySet:
        """Their own lists, and those that colleagues share with them."""
        return self.filter(models.Q(owner=user_id) | models.Q(readers=user_id)).distinct()


class Shortlist(models.Model):
    """Experts in an order, with notes. It belongs to one person, who may let colleagues read it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shortlists")
    name = models.CharField(_("name"), max_length=100)
    readers: models.ManyToManyField[models.Model, models.Model] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="shared_shortlists"
    )
    changed_at = models.DateTimeField(default=timezone.now)
    """The list that changed last is the one that stars add to."""

    objects = ShortlistQuerySet.as_manager()

    class Meta:
        verbose_name = _("shortlist")
        verbose_name_plural = _("shortlists")
        ordering = ["-changed_at", "-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return without_bidi_controls(self.name)

    def get_absolute_url(self) -> str:
        return reverse("shortlist", args=[self.pk])


class ShortlistEntry(models.Model):
    """An expert on a list. It stays if the expert is deleted, without telling who that was."""

    shortlist = models.ForeignKey(Shortlist, on_delete=models.CASCADE, related_name="entries")
    expert = models.ForeignKey("experts.Expert", on_delete=models.SET_NULL, null=True, related_name="+")
    position = models.PositiveIntegerField(default=0)
    note = models.TextField(_("note"), max_length=2_000, blank=True)

    class Meta:
        verbose_name = _("expert on a shortlist")
        verbose_name_plural = _("experts on a shortlist")
        ordering = ["position", "pk"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["shortlist", "expert"], name="shortlist_entry_once")]

    def __str__(self) -> str:
        return f"{self.shortlist} · {self.expert}"


class ShortlistLink(models.Model):
    """Lets anybody who has its address read a list, until it expires. What it shows is in `console.shortlists`."""

    shortlist = models.ForeignKey(Shortlist, on_delete=models.CASCADE, related_name="links")
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("link to a shortlist")
        verbose_name_plural = _("links to shortlists")
        ordering = ["expires_at"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.shortlist} · {self.expires_at:%Y-%m-%d}"
