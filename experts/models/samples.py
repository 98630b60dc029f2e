"""Which sample experts were removed."""

from __future__ import annotations

from django.db import models


class RemovedSamples(models.Model):
    """The sample experts that were removed at once. A version of the index without them has lost nobody."""

    at = models.DateTimeField(auto_now_add=True)
    ids = models.JSONField(default=list)
    """Keys of the experts; the database gives none of them to anybody else."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.at)
