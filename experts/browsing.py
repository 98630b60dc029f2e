"""The directory without a query: who has which tags, works where, and how many each further choice would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Count, Max

from experts import iso_codes
from experts.folding import folded
from experts.models import Expert, ExpertTag, ImportRecord, Tag
from experts.models.expert_queries import ExpertQuerySet

NAME, RATE, NEWEST = "name", "rate", "newest"
SORTS = (NAME, RATE, NEWEST)
TAGGED = {"tag": Tag.Kind.DOMAIN, "industry": Tag.Kind.INDUSTRY}
FIELDS = ("category", "country", "city")
GROUPS = (*TAGGED, *FIELDS)
MOST_TAGS = 6
"""Tags that can be chosen together: each joins a table."""
MOST_VALUES = 60
"""Values of a group that are offered, the most frequent ones."""

Chosen = Mapping[str, tuple[str, ...]]
"""Group -> the values that are chosen: of tags and industries all must be there, of a field there is one."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a group, and how many of the experts found have it."""

    key: str
    label: str
    """In the reader's language."""
    count: int


def experts_with(chosen: Chosen) -> ExpertQuerySet:
    """The active experts who have all that is chosen."""
    found = Expert.objects.active().order_by()
    for group in TAGGED:
        for name in chosen.get(group, ())[:MOST_TAGS]:
            found = found.filter(expert_tags__tag__name=name)
    return found.filter(**{field: chosen[field][-1] for field in FIELDS if chosen.get(field)})


def values(found: ExpertQuerySet) -> dict[str, list[Value]]:
    """Group -> the values that these experts have, the most frequent first; groups without any are left out."""
    offered: dict[str, list[Value]] = {group: [] for group in GROUPS}
    tags = ExpertTag.objects.filter(expert__in=found.values("pk")).values_list("tag__kind", "tag__name")
    kinds = {kind: group for group, kind in TAGGED.items()}
    for kind, name, count in tags.annotate(count=Count("pk")).order_by("-count", "tag__name"):
        offered[kinds[kind]].append(Value(name, name, count))
    people = Expert.objects.filter(pk__in=found.values("pk")).order_by()
    for field in FIELDS:
        counts = people.exclude(**{field: ""}).values_list(field).annotate(count=Count("pk"))
        most = counts.order_by("-count", field)[:MOST_VALUES]
        offered[field] = [Value(key, label(field, key), count) for key, count in most]
    return {group: each[:MOST_VALUES] for group, each in offered.items() if each}


def label(group: str, key: str) -> str:
    """A value in words: countries by their name."""
    return iso_codes.country_name(key) if group == "country" else key


def sorted_ids(experts: ExpertQuerySet, sort: str, *, few: bool = False) -> list[int]:
    """Their ids, by one of SORTS. For a `few` active experts only their own names are read.

    Names by the last one, without regard to case, accents and brackets, which no database does for every script.
    Rates from the lowest, the most frequent currency first, because 100 JPY are not more than 90 EUR; who has no rate
    comes last.
    """
    if sort == NEWEST:
        return list(experts.order_by("-created_at", "-pk").values_list("pk", flat=True))
    places = _places_by_name(experts) if few else _places_of_all(_change_mark())
    last = len(places)  # for those who were added a moment ago
    if sort == NAME:
        return sorted(experts.values_list("pk", flat=True), key=lambda key: places.get(key, last))
    rates = {key: (currency, rate) for key, currency, rate in experts.values_list("pk", "currency", "hourly_rate")}
    frequent = Counter(currency for currency, rate in rates.values() if rate is not None)

    def by_rate(key: int) -> tuple[object, ...]:
        currency, rate = rates[key]
        if rate is None:
            return (True, 0, "", 0, places.get(key, last))
        return (False, -frequent[currency], currency, rate, places.get(key, last))

    return sorted(rates, key=by_rate)


def _places_by_name(experts: ExpertQuerySet) -> dict[int, int]:
    """Id -> place in the order of their names."""
    names = {
        key: (_letters_first(folded(f"{last} {first}") or folded(username)), key)
        for key, last, first, username in experts.values_list("pk", "last_name", "first_name", "username")
    }
    return {key: place for place, key in enumerate(sorted(names, key=names.__getitem__))}


@lru_cache(maxsize=1)
def _places_of_all(_mark: object) -> dict[int, int]:
    """Those of all active experts; kept until `_change_mark` is another. About 10 MB for 100,000."""
    return _places_by_name(Expert.objects.active().order_by())


def _change_mark() -> tuple[object, ...]:
    """What nearly every change of the directory changes; takes milliseconds. Read before the names are."""
    experts = Expert.objects.aggregate(count=Count("pk"), last=Max("pk"), changed=Max("updated_at"))
    return (*experts.values(), ImportRecord.objects.values_list("pk", "undone_at").first())


def _letters_first(name: str) -> str:
    """The name without the marks before its first letter or digit, such as “(Fisa) Juan” has."""
    start = next((place for place, sign in enumerate(name) if sign.isalnum()), 0)
    return name[start:]
