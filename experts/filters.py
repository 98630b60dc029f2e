"""What the list of experts can be narrowed by."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experts.models import Expert, ExpertTag, Tag


class TagFilter(admin.SimpleListFilter):
    kind: Tag.Kind

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(str(tag.pk), str(tag)) for tag in Tag.objects.filter(kind=self.kind)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        value = self.value()
        if value is None:
            return queryset
        if not value.isdecimal():
            return queryset.none()
        return queryset.filter(
            Exists(ExpertTag.objects.filter(expert=OuterRef("pk"), tag=int(value), tag__kind=self.kind))
        )


class DomainFilter(TagFilter):
    title = gettext_lazy("domain")
    parameter_name = "domain"
    kind = Tag.Kind.DOMAIN


class IndustryFilter(TagFilter):
    title = gettext_lazy("industry")
    parameter_name = "industry"
    kind = Tag.Kind.INDUSTRY


class TaggedFilter(admin.SimpleListFilter):
    title = gettext_lazy("tags")
    parameter_name = "tagged"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [
            (ExpertTag.Source.MANUAL, _("with manual tags")),
            (ExpertTag.Source.AUTO, _("with automatic tags")),
            ("none", _("without tags")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        rows = ExpertTag.objects.filter(expert=OuterRef("pk"))
        if self.value() == "none":
            return queryset.filter(~Exists(rows))
        if self.value() in ExpertTag.Source.values:
            return queryset.filter(Exists(rows.filter(source=self.value())))
        return queryset


class PhotoFilter(admin.SimpleListFilter):
    title = gettext_lazy("photo")
    parameter_name = "photo"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("yes", _("with photo")), ("no", _("without photo"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        if self.value() == "yes":
            return queryset.exclude(photo_url="")
        return queryset.filter(photo_url="") if self.value() == "no" else queryset
