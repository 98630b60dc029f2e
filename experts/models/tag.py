"""Tags: short names with a description, which rebuilds assign to the experts that they fit."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from experts.models.locking import LockingModel, LockingQuerySet
from experts.safe_text import without_bidi_controls


class TagQuerySet(LockingQuerySet["Tag"]):
    def active(self) -> TagQuerySet:
        return self.filter(is_active=True)


class Tag(LockingModel):
    """A name with a description; runs give active tags to the experts whose profiles fit the description."""

    class Kind(models.TextChoices):
        DOMAIN = "domain", _("domain")
        INDUSTRY = "industry", _("industry")

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    description = models.CharField(
        _("description"), max_length=300, help_text=_("One sentence describing who should get this tag.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Only active tags are assigned automatically.")
    )

    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return without_bidi_controls(self.name)
