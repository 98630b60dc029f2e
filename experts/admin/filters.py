"""The filters beside the lists of experts and tags."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experts import iso_codes
from experts.models import Expert, ExpertQuerySet, ExpertTag, Tag
from experts.numbers import whole_number
from experts.profiles import findability


class TagFilter(admin.SimpleListFilter):
    """Experts who have a certain tag. The value is its id, or its id and source, such as “5.auto”."""

    kind: Tag.Kind

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(str(tag.pk), str(tag)) for tag in Tag.objects.filter(kind=self.kind)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        value = self.value()
        if value is None:
            return queryset
        tag, _dot, source = value.partition(".")
        if source and source not in ExpertTag.Source.values:
            return queryset.none()
        rows = ExpertTag.objects.filter(expert=OuterRef("pk"), tag=whole_number(tag), tag__kind=self.kind)
        return queryset.filter(Exists(rows.filter(source=source) if source else rows))


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
            return queryset.exclude(photo_url="", photo_file="")
        return queryset.filter(photo_url="", photo_file="") if self.value() == "no" else queryset


class CountryFilter(admin.SimpleListFilter):
    """Offers the countries that somebody is in, by name in the reader's language."""

    title = gettext_lazy("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        held = Expert.objects.exclude(country="").order_by().values_list("country", flat=True).distinct()
        return sorted(((code, iso_codes.country_name(code)) for code in held), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        return queryset if self.value() is None else queryset.filter(country=self.value())


class LanguageFilter(admin.SimpleListFilter):
    """Offers the languages that somebody speaks, by name in the reader's language."""

    title = gettext_lazy("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        held = Expert.objects.exclude(languages="").order_by().values_list("languages", flat=True).distinct()
        codes = {code for languages in held for code in languages.split()}
        return sorted(((code, iso_codes.language_name(code)) for code in codes), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        assert isinstance(queryset, ExpertQuerySet)
        code = self.value()
        return queryset if code is None else queryset.speaking(code)


class AvailabilityFilter(admin.SimpleListFilter):
    title = gettext_lazy("availability")
    parameter_name = "available"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("now", _("available now")), ("later", _("available later")), ("unknown", _("without a date"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        today = timezone.localdate()
        if self.value() == "now":
            return queryset.filter(available_from__lte=today)
        if self.value() == "later":
            return queryset.filter(available_from__gt=today)
        return queryset.filter(available_from=None) if self.value() == "unknown" else queryset


class UsernameConflictFilter(admin.SimpleListFilter):
    """Shown only while some usernames read the same: they are left from before the database kept them apart."""

    title = gettext_lazy("usernames in conflict")
    parameter_name = "conflict"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("yes", _("reads like another one"))] if Expert.objects.in_conflict().exists() else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(pk__in=Expert.objects.in_conflict().values("pk"))


class FindabilityFilter(admin.SimpleListFilter):
    title = gettext_lazy("findability")
    parameter_name = "findability"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        low, high = findability.LOW_BELOW, findability.HIGH_FROM
        return [
            ("low", _("low, below %s") % low),
            ("medium", _("medium, %(low)s to %(high)s") % {"low": low, "high": high - 1}),
            ("high", _("high, from %s") % high),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Expert]) -> QuerySet[Expert]:
        level = self.value()
        assert isinstance(queryset, ExpertQuerySet)
        return queryset.with_findability_level(level) if level in findability.LEVELS else queryset


class UsedFilter(admin.SimpleListFilter):
    title = gettext_lazy("experts")
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("yes", _("has experts")), ("no", _("has no experts"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tag]) -> QuerySet[Tag]:
        rows = ExpertTag.objects.filter(tag=OuterRef("pk"))
        if self.value() == "yes":
            return queryset.filter(Exists(rows))
        return queryset.filter(~Exists(rows)) if self.value() == "no" else queryset
