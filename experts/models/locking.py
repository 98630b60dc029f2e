"""Rows that are locked before they are deleted or updated in bulk.

The tagging of a run locks the experts and tags that it is about to connect. A deletion takes two statements: first
the rows in `ExpertTag`, then the expert or tag itself. Without a lock a run could add a tag between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db import connections, models, transaction

MAX_IDS = 20_000
"""How many ids one statement has at most, since databases limit its length."""

LockedRow = TypeVar("LockedRow", bound=models.Model)


class LockingQuerySet(models.QuerySet[LockedRow]):
    """A queryset whose bulk writes lock their rows in the order of their keys.

    A statement takes rows in the order in which they lie on the disk, so two writers of the same rows could each
    wait for the other. Locking by key first gives both the same order.
    """

    @transaction.atomic
    def delete(self) -> tuple[int, dict[str, int]]:
        self._lock_by_key()
        return super().delete()

    def lock(self, keys: Iterable[int]) -> None:
        """Lock the rows with these keys until the transaction ends; filters of this queryset do not apply."""
        wanted = sorted(set(keys))
        for start in range(0, len(wanted), MAX_IDS):
            self._lock_by_key(wanted[start : start + MAX_IDS])

    def _lock_by_key(self, keys: Sequence[int] | None = None) -> None:
        """Lock the rows with these keys or, without keys, all rows of this queryset."""
        if connections[self.db].features.has_select_for_update:  # SQLite locks the whole database anyway
            which = self.order_by().values("pk") if keys is None else keys
            rows = self.model._base_manager.filter(pk__in=which).order_by("pk")
            list(rows.select_for_update().values_list("pk", flat=True))

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class LockingModel(models.Model):
    """A model whose `delete` locks its row first, for the same reason."""

    class Meta:
        abstract = True

    @transaction.atomic
    def delete(self, *arguments: Any, **options: Any) -> tuple[int, dict[str, int]]:
        type(self)._base_manager.select_for_update().filter(pk=self.pk).first()
        return super().delete(*arguments, **options)
