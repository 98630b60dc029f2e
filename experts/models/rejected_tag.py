"""Automatic tags that somebody said are wrong for an expert: no run gives them again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RejectedTag(models.Model):
    """A tag that this expert does not get automatically. Staff can still add it manually."""

    expert = models.ForeignKey("experts.Expert", on_delete=models.CASCADE, related_name="rejected_tags")
    tag = models.ForeignKey("experts.Tag", on_delete=models.CASCADE, related_name="rejections", verbose_name=_("tag"))
    score = models.FloatField(null=True)
    """The score that the tag had when it was rejected; it comes back with the tag."""
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("rejected tag")
        verbose_name_plural = _("rejected tags")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["expert", "tag"], name="rejected_tag_once")]

    def __str__(self) -> str:
        return f"{self.expert} · {self.tag}"
