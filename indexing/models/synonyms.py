"""Synonyms: words that the staff of this directory say mean the same. A version has those of when it was built."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from experts.safe_text import without_bidi_controls

LONGEST = 80
"""Characters of either side."""
LONGEST_KEY = 250
"""Characters of either side as the search reads it: scripts without spaces become three times as long."""


class SynonymQuerySet(models.QuerySet["Synonym"]):
    def entries(self) -> tuple[tuple[str, str], ...]:
        """What is typed and what is found as well, in a fixed order; a synonym both ways is two entries."""
        rows = self.order_by("pair_key").values_list("typed", "found", "both_ways")
        return tuple(
            pair
            for typed, found, both_ways in rows
            for pair in ([(typed, found), (found, typed)] if both_ways else [(typed, found)])
        )


class Synonym(models.Model):
    """Two words or phrases. Make one with `indexing.quality.synonyms`, which checks it and gives it its key."""

    typed = models.CharField(_("people type"), max_length=LONGEST, help_text=_("A word or a few, such as csharp."))
    found = models.CharField(
        _("profiles say"), max_length=LONGEST, help_text=_("What is found as well, such as C#. One meaning per row.")
    )
    both_ways = models.BooleanField(
        _("both ways"), default=True, help_text=_("Who types the second finds the first too.")
    )
    pair_key = models.CharField(max_length=2 * LONGEST_KEY + 1, unique=True, editable=False)
    """Both sides as the search reads them, in alphabetical order: two words are synonyms once."""
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = SynonymQuerySet.as_manager()

    class Meta:
        verbose_name = _("synonym")
        verbose_name_plural = _("synonyms")
        ordering = ["typed", "found"]

    def __str__(self) -> str:
        return without_bidi_controls(f"{self.typed} {'=' if self.both_ways else '→'} {self.found}")
