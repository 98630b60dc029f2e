"""The column that the admin's list of experts is searched by."""

from __future__ import annotations

from typing import Any

from django.db import models

from experts.folding import folded

SEARCHED = ("username", "first_name", "last_name", "job_title", "company", "bio")
"""The fields whose texts it holds."""


def search_text_of(row: models.Model) -> str:
    """The texts of a row that people search by, folded."""
    return folded("\n".join(getattr(row, name) for name in SEARCHED))


class SearchTextField(models.TextField):
    """Computed whenever a whole row is saved; where only some fields are, `ExpertQuerySet.bulk_update` does it."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        text = search_text_of(model_instance)
        setattr(model_instance, self.attname, text)
        return text

    def deconstruct(self) -> Any:
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.TextField", arguments, options
