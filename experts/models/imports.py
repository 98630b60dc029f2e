"""What an import changed, so that it can be undone."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ColumnMapping(models.Model):
    """What the columns of files with one header fill, where somebody chose it in the preview of an import."""

    header = models.CharField(max_length=64, unique=True)
    """SHA-256 of the names of the columns."""
    fields = models.JSONField(default=list)
    """The field of each column, "" for one that is not read."""
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return ", ".join(self.fields)


class ImportRecordQuerySet(models.QuerySet["ImportRecord"]):
    def undoable(self) -> ImportRecordQuerySet:
        """The imports that can be undone, newest first, without their changes."""
        return self.filter(undone_at=None).defer("changes")


class ImportRecord(models.Model):
    """One import that was applied. Only the last few are kept, see `experts.importing.records`."""

    at = models.DateTimeField(_("when"), default=timezone.now)
    """Also `updated_at` of every expert that the import wrote: one with another value was changed since."""
    name = models.CharField(max_length=150, blank=True)
    """Username of who imported it; empty for a command that named none."""
    file_name = models.CharField(max_length=255, blank=True)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    deactivated = models.PositiveIntegerField(default=0)
    changes = models.BinaryField(editable=False)
    """What `experts.importing.records.Changes` packs."""
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_name = models.CharField(max_length=150, blank=True)

    objects = ImportRecordQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.file_name
