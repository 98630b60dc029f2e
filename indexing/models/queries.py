"""Queries that staff saved, with the experts that search must find for them."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experts.models import Expert
from experts.safe_text import without_bidi_controls


class SavedQuery(models.Model):
    text = models.CharField(_("query"), max_length=500, unique=True)
    k = models.PositiveSmallIntegerField(
        _("in the top"), default=10, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    expected = models.ManyToManyField(
        Expert,
        blank=True,
        related_name="+",
        verbose_name=_("expected experts"),
        help_text=_("If a new version does not rank all of them in the top results, it is held for approval."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("saved"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("saved query")
        verbose_name_plural = _("saved queries")
        ordering = ["text"]

    def __str__(self) -> str:
        return without_bidi_controls(self.text)
