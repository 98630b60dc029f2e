"""The column by which the database keeps usernames apart."""

from __future__ import annotations

from typing import Any

from django.db import models

from experts.identity import identity_key, without_conflict


class UsernameKeyField(models.CharField):
    """The identity key of the row's username. It is computed whenever the row is written, also in bulk.

    Two experts of one older database may have the same key: the second one's is marked as a conflict, and keeps that
    mark for as long as its username stays the same. Queries that update usernames without saving rows are not seen.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        stored: str = getattr(model_instance, self.attname)
        key = identity_key(model_instance.username)  # type: ignore[attr-defined]
        if without_conflict(stored) != key:
            setattr(model_instance, self.attname, key)
            return key
        return stored

    def deconstruct(self) -> Any:
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options
