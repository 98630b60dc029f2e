"""Lists whose search disregards case, accents and apostrophes in every script."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from experts.folding import folded, folded_words

MOST_FOUND = 10_000
"""rows of a small table: the parameters of a statement are limited"""


class FoldedSearch(admin.ModelAdmin):
    """For tables that are small enough to be read for a search: users, groups, tags, search tests, tokens."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows whose searched fields together hold every word."""
        words = folded_words(search_term)
        if not words:
            return queryset, False
        found = []
        for key, *texts in queryset.order_by().values_list("pk", *self.search_fields).distinct().iterator():
            text = folded("\n".join(str(each or "") for each in texts))
            if all(word in text for word in words):
                found.append(key)
        return queryset.filter(pk__in=found[:MOST_FOUND]), False
