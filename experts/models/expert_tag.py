"""Which expert has which tag."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ExpertTag(models.Model):
    """A tag that an expert has. Runs add and remove automatic tags; manual ones are up to staff."""

    class Source(models.TextChoices):
        AUTO = "auto", _("automatic")
        MANUAL = "manual", _("manual")

    expert = models.ForeignKey("experts.Expert", on_delete=models.CASCADE, related_name="expert_tags")
    tag = models.ForeignKey(
        "experts.Tag", on_delete=models.CASCADE, related_name="expert_tags", verbose_name=_("tag")
    )
    source = models.CharField(_("source"), max_length=6, choices=Source.choices, default=Source.MANUAL)
    score = models.FloatField(
        _("score"),
        null=True,
        blank=True,
        help_text=_("How well the profile fits the tag, at most 1; only for automatic tags."),
    )

    class Meta:
        verbose_name = _("tag of an expert")
        verbose_name_plural = _("tags of experts")
        constraints = [models.UniqueConstraint(fields=["expert", "tag"], name="expert_tag_once")]

    def __str__(self) -> str:
        return f"{self.expert} · {self.tag}"
