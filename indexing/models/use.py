"""What people did with results: counts by day, without who did it or when on that day."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from experts.models import Expert
from indexing.models.searches import MAX_QUERY

SHOWN_OFTEN = 10
"""Shown at least that often without being opened, an expert is worth a look."""


class Action(models.TextChoices):
    """Each is a column of both tables."""

    OPENED = "opened", _("opened")
    CONTACTED = "contacted", _("contact shown")
    REJECTED = "rejected", _("not a match")


class Counted(models.Model):
    day = models.DateField(_("day"))
    opened = models.PositiveIntegerField(default=0)
    contacted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class ExpertUseQuerySet(models.QuerySet["ExpertUse"]):
    def by_expert(self) -> models.QuerySet[ExpertUse, dict[str, Any]]:
        """A row for each active expert who was shown or used: `expert` and the sum of each column."""
        sums = {name: Sum(name) for name in ("shown", *Action.values)}
        return self.filter(expert__is_active=True).values("expert").order_by("expert").annotate(**sums)

    def never_opened(self) -> models.QuerySet[ExpertUse, dict[str, Any]]:
        """Those of `by_expert` who were shown SHOWN_OFTEN times and never opened; the most often shown first."""
        unused = self.by_expert().filter(shown__gte=SHOWN_OFTEN, opened=0, contacted=0)
        return unused.order_by("-shown", "expert")


class ExpertUse(Counted):
    """How often an expert was among the results of a day's searches, and what people did with them."""

    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    """without a constraint: the log is written later, and an expert who was deleted meanwhile must not spoil it"""
    shown = models.PositiveIntegerField(default=0)

    objects = ExpertUseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["expert", "day"], name="index_expert_use_once_a_day")]
        indexes = [models.Index(fields=["day"], name="index_expert_use_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.expert_id}"


class QueryUseQuerySet(models.QuerySet["QueryUse"]):
    def by_query(self) -> models.QuerySet[QueryUse, dict[str, Any]]:
        """A row for each query after which somebody did something: `folded`, the sum of each column, and `led`.

        `led` counts what led somewhere: results opened and contacts shown.
        """
        sums = {name: Sum(name) for name in Action.values}
        return self.values("folded").order_by("folded").annotate(**sums).annotate(led=F("opened") + F("contacted"))


class QueryUse(Counted):
    """What people did with the results of a query on a day."""

    folded = models.CharField(max_length=MAX_QUERY)
    """as `SearchLog.folded`"""

    objects = QueryUseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["folded", "day"], name="index_query_use_once_a_day")]
        indexes = [models.Index(fields=["day"], name="index_query_use_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.folded}"
