"""How far the live version had drifted, hour by hour, for the chart."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class DriftSampleQuerySet(models.QuerySet["DriftSample"]):
    def since(self, moment: datetime) -> DriftSampleQuerySet:
        """The samples since `moment`, oldest first."""
        return self.filter(at__gte=moment).order_by("at", "pk")


class DriftSample(models.Model):
    """One measurement. There is at most one for each hour and live version, by the process that wrote it first."""

    hour = models.DateTimeField()
    """The full hour before `at`"""
    version = models.PositiveBigIntegerField(_("version"))
    at = models.DateTimeField(_("time"), db_index=True)
    experts = models.PositiveIntegerField(_("experts"))
    """active in the directory at that time"""
    version_experts = models.PositiveIntegerField()
    added = models.PositiveIntegerField()
    changed = models.PositiveIntegerField()
    removed = models.PositiveIntegerField()

    objects = DriftSampleQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["hour", "version"], name="drift_sample_once")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.version}"

    @property
    def count(self) -> int:
        return self.added + self.changed + self.removed
