"""The row that everybody who decides something locks first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from indexing.models.versions import IndexVersion


class IndexState(models.Model):
    """One row (pk 1): which version is live, and the fence. Every decision about runs and versions locks it first."""

    live_version = models.ForeignKey(
        IndexVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("live version"),
    )
    fence = models.PositiveBigIntegerField(default=0)
    """Rises with every claim. A worker with a lower number may no longer publish."""
    last_version_number = models.PositiveBigIntegerField(default=0)
    last_rebuild_at = models.DateTimeField(_("last rebuild"), null=True, blank=True)
    expert_count_at_rebuild = models.PositiveIntegerField(_("experts at the last rebuild"), null=True, blank=True)
    schedule_paused_at = models.DateTimeField(null=True, blank=True)
    """Since when scheduled rebuilds are paused, after a rollback; None when they are not."""
    schedule_paused_name = models.CharField(max_length=150, blank=True)
    schedule_paused_reason = models.TextField(blank=True)
    rolled_back_from = models.PositiveBigIntegerField(null=True, blank=True)
    rolled_back_to = models.PositiveBigIntegerField(null=True, blank=True)
    """Numbers of the versions of the rollback that paused them."""
    cleaned_up_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When a process last began to delete what is older than the settings say."""
    database_id = models.CharField(max_length=32, blank=True, editable=False)
    """Identifies this database, in its data folder too; given when a data folder is first used with it."""

    PAUSE = (
        "schedule_paused_at",
        "schedule_paused_name",
        "schedule_paused_reason",
        "rolled_back_from",
        "rolled_back_to",
    )

    class Meta:
        verbose_name = _("index")
        verbose_name_plural = _("index")
        default_permissions = ()
        permissions = [
            ("search", _("Can search experts")),
            ("view", _("Can see the index, its runs and logs")),
            ("rebuild", _("Can start and cancel runs")),
            ("cancel", _("Can cancel runs")),
            ("publish", _("Can publish, discard and roll back versions")),
        ]

    def __str__(self) -> str:
        return str(_("Index"))

    @classmethod
    def locked(cls) -> IndexState:
        """The row, locked until the end of the caller's transaction.

        SQLite ignores FOR UPDATE; there the transaction itself holds the write lock from its start (IMMEDIATE).
        """
        return cls.objects.select_for_update().get(pk=1)

    @classmethod
    def read(cls) -> IndexState:
        """The row with its live version, not locked: to show it, not to decide anything by it."""
        return cls.objects.select_related("live_version").get(pk=1)

    @property
    def pause(self) -> dict[str, Any] | None:
        """The pause of scheduled rebuilds as JSON data, for `set_pause`; None when they are not paused."""
        if self.schedule_paused_at is None:
            return None
        return {name: getattr(self, name) for name in self.PAUSE} | {
            "schedule_paused_at": self.schedule_paused_at.isoformat()
        }

    def set_pause(self, pause: Mapping[str, Any] | None) -> None:
        """Pause scheduled rebuilds as `pause` says, or end the pause; saved at once. Call it with the row locked."""
        values = pause or {"schedule_paused_at": None, "schedule_paused_name": "", "schedule_paused_reason": ""}
        for name in self.PAUSE:
            setattr(self, name, values.get(name))
        if pause:
            self.schedule_paused_at = datetime.fromisoformat(pause["schedule_paused_at"])
        self.save(update_fields=self.PAUSE)
