"""Usernames that experts had before, so that links to their pages go on working."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class FormerUsername(models.Model):
    """A username that was changed; the last expert who had it, if several did."""

    key = models.CharField(max_length=250, unique=True)
    """See `experts.identity`."""
    expert = models.ForeignKey("experts.Expert", on_delete=models.CASCADE, related_name="former_usernames")

    class Meta:
        verbose_name = _("former username")
        verbose_name_plural = _("former usernames")
        default_permissions = ()

    def __str__(self) -> str:
        return self.key
