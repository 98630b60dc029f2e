"""What people searched for and how good the results were, without who searched."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Cast, Least, NullIf
from django.utils.translation import gettext_lazy as _

from experts.safe_text import without_bidi_controls

MAX_QUERY = 500
OTR_AT = 10
"""How many of the first hits count."""

ON_TOPIC_RATE = Cast(F("on_topic"), models.FloatField()) / NullIf(Least(F("hits"), OTR_AT), 0)
"""OTR@10 of one search; null where it had no hits or similarities are unknown."""


def folded(query: str) -> str:
    """The query without case and extra white space: one text for all queries that differ only in these."""
    return " ".join(query.casefold().split())[:MAX_QUERY]


class SearchLogQuerySet(models.QuerySet["SearchLog"]):
    def by_day(self) -> models.QuerySet[SearchLog, dict[str, Any]]:
        """A row for each day with searches, the newest first: `count`, `zero`, `judged` and `rates`.

        `judged` searches have an on-topic rate and `rates` is the sum of theirs, so that averages over several days
        weigh every search the same.
        """
        return (
            self.order_by("-day")
            .values("day")
            .annotate(
                count=Count("pk"),
                zero=Count("pk", filter=Q(hits=0)),
                judged=Count("on_topic", filter=Q(hits__gt=0)),
                rates=Sum(ON_TOPIC_RATE),
            )
        )

    def finding_nobody(self) -> models.QuerySet[SearchLog, dict[str, Any]]:
        """A row for each query that found nobody, or only weak matches; the most frequent first."""
        return (
            self.filter(found_nobody=True)
            .values("folded")
            .annotate(
                count=Count("pk"),
                zero=Count("pk", filter=Q(hits=0)),
                last=models.Max("at"),
            )
            .order_by("-count", "-last", "folded")
        )


class Mode(models.TextChoices):
    """How a search compares a query with profiles: by meaning, by words, or by both."""

    HYBRID = "hybrid", _("both")
    SEMANTIC = "semantic", _("meaning")
    KEYWORD = "keyword", _("words")


class SearchLog(models.Model):
    at = models.DateTimeField(_("time"), db_index=True)
    day = models.DateField(_("day"))
    """of `at` in TCS_TIME_ZONE: to group by it, SQLite would call Python for every row otherwise"""
    query = models.CharField(_("query"), max_length=MAX_QUERY)
    folded = models.CharField(max_length=MAX_QUERY)
    mode = models.CharField(_("mode"), max_length=8, choices=Mode.choices)
    k = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField(_("version"))
    hits = models.PositiveSmallIntegerField(_("hits"))
    on_topic = models.PositiveSmallIntegerField(_("on topic"), null=True)
    """of the first ten hits, the strong matches; null without hits, and in a version that cannot tell"""
    found_nobody = models.BooleanField()
    """no hit or none on topic, and no filter that could be the cause"""
    seconds = models.FloatField(_("seconds"))

    shown: tuple[int, ...] = ()
    """ids of the experts on the page; not stored with the search, but counted for each expert"""

    objects = SearchLogQuerySet.as_manager()

    class Meta:
        verbose_name = _("search")
        verbose_name_plural = _("searches")
        default_permissions = ()
        ordering = ["-at", "-pk"]
        indexes = [
            # both hold all that their page section needs: the rows themselves are not read
            models.Index(fields=["day", "hits", "on_topic"], name="searchlog_by_day"),
            models.Index(fields=["found_nobody", "folded", "at", "hits"], name="searchlog_nobody"),
        ]

    def __str__(self) -> str:
        return without_bidi_controls(self.query)

    @property
    def milliseconds(self) -> int:
        return max(round(self.seconds * 1000), 1)
