"""Experts of the directory by filters, as programs that keep it ask for them. Active or not, searchable or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from experts import iso_codes
from experts.editing import FieldsInvalid
from experts.models import Expert, ExpertQuerySet, ExpertTag, Tag


@dataclass(frozen=True, slots=True)
class Selection:
    """What the experts must have; by default everybody is selected."""

    words: str = ""
    is_active: bool | None = None
    tags: Sequence[str] = ()
    industries: Sequence[str] = ()
    categories: Sequence[str] = ()
    """Of tags, industries and categories, one is enough; they are names."""
    countries: Sequence[str] = ()
    """One is enough."""
    languages: Sequence[str] = ()
    """All are needed."""
    available_by: date | None = None
    updated_since: datetime | None = None

    def experts(self) -> ExpertQuerySet:
        """Raises FieldsInvalid for a tag, category, country or language that does not exist."""
        self._check()
        found = Expert.objects.matching(self.words)
        if self.is_active is not None:
            found = found.filter(is_active=self.is_active)
        for names in (self.tags, self.industries):
            if names:
                rows = ExpertTag.objects.filter(tag__name__in=names)
                found = found.filter(pk__in=rows.values("expert"))
        if self.categories:
            found = found.filter(category__in=self.categories)
        if self.countries:
            found = found.filter(country__in=self.countries)
        for code in self.languages:
            found = found.speaking(code)
        if self.available_by:
            found = found.filter(available_from__lte=self.available_by)
        if self.updated_since:
            found = found.filter(updated_at__gte=self.updated_since)
        return found

    def _check(self) -> None:
        problems = {}
        for field, kinds, names in (
            ("tag", Tag.Kind.values, self.tags),
            ("industry", [Tag.Kind.INDUSTRY], self.industries),
        ):
            known = set(Tag.objects.filter(kind__in=kinds, name__in=_storable(names)).values_list("name", flat=True))
            if unknown := [name for name in names if name not in known]:
                problems[field] = _("There is no tag “%(name)s”.") % {"name": unknown[0]}
        held = Expert.objects.filter(category__in=_storable(self.categories)).order_by()
        categories = set(held.values_list("category", flat=True).distinct()) - {""}
        if absent := [name for name in self.categories if name not in categories]:
            problems["category"] = _("There is no category “%(name)s”.") % {"name": absent[0]}
        if not iso_codes.country_codes().issuperset(self.countries):
            problems["country"] = _("Not a country. Use its ISO code, such as NL.")
        if not iso_codes.language_codes().issuperset(self.languages):
            problems["language"] = _("Not a list of languages. Use their ISO codes, such as: nl, en.")
        if problems:
            raise FieldsInvalid(problems)


def _storable(names: Sequence[str]) -> list[str]:
    return [name for name in names if "\0" not in name]  # PostgreSQL takes no NUL
