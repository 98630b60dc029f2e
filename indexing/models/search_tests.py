"""Search tests: queries with the experts that search must find for them, and those that it must not show."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experts.models import Expert
from experts.safe_text import without_bidi_controls

UNWANTED_WITHIN = 10
"""Whoever is marked as bad must not be among that many first hits: those that people see at a glance."""


class SearchTest(models.Model):
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
    unwanted = models.ManyToManyField(
        Expert,
        blank=True,
        related_name="+",
        verbose_name=_("not expected"),
        help_text=_("If a new version shows one of them in the top 10, it is held for approval."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("saved"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("search test")
        verbose_name_plural = _("search tests")
        ordering = ["text"]

    def __str__(self) -> str:
        return without_bidi_controls(self.text)
