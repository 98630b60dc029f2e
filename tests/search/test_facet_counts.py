"""How many matches a filter would leave: who is counted, and what is offered when nobody is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from experts.models import Expert, ExpertTag, Tag
from indexing import encoders
from indexing.search import Mode, facet_counts, search
from indexing.search.facet_counts import FacetedQuery, FacetValue
from indexing.search.filters import NONE, Filters, InvalidFilter
from indexing.snapshot.facets import STORED, FacetColumns
from indexing.snapshot.reader import Snapshot
from tests.support import cast
from tests.support.index_cast import built_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def tags() -> dict[str, int]:
    Tag.objects.all().delete()
    named = (("Bees", "domain"), ("Boats", "domain"), ("Food", "industry"))
    return {name: Tag.objects.create(name=name, kind=kind, is_active=False).pk for name, kind in named}


@pytest.fixture
def snapshot(tags):
    """24 people of eight trades, three each: bakers and beekeepers are in Food, beekeepers have Bees."""
    cast.experts(24)
    for expert in Expert.objects.all():
        names = {"Baker": ["Food"], "Beekeeper": ["Food", "Bees"], "Welder": ["Boats"]}.get(expert.job_title, [])
        for name in names:
            ExpertTag.objects.create(expert=expert, tag_id=tags[name])
    Expert.objects.filter(job_title="Baker").update(hourly_rate=30, currency="EUR", photo_url="https://x.example/1")
    Expert.objects.filter(job_title="Baker").update(city="Gent", country="BE", languages="nl fr")
    Expert.objects.filter(job_title="Beekeeper").update(category="Craft", city="GENT", country="NL", languages="nl")
    Expert.objects.filter(username="expert-005").update(city="GENT")  # a baker
    Expert.objects.filter(job_title="Welder").update(hourly_rate=50, currency="USD")
    encoders.reset()
    yield built_snapshot()
    encoders.reset()


def faceted(text: str, mode: Mode, snapshot: Snapshot, filters: Filters = NONE) -> FacetedQuery:
    return FacetedQuery(search(text, snapshot, 10, mode, filters=filters), snapshot, filters)


def by_name(values: tuple[FacetValue, ...]) -> dict[str, int]:
    return {value.name: value.count for value in values}


def test_only_matches_are_counted(snapshot):
    counts = faceted("sourdough honey", Mode.KEYWORD, snapshot).facets()
    assert counts.matches == 6
    assert by_name(counts.tags) == {"Bees": 3}
    assert by_name(counts.industries) == {"Food": 6}
    assert by_name(counts.categories) == {"Craft": 3, "Finance": 3}
    assert by_name(counts.currencies) == {"EUR": 3}
    assert counts.photo == 3
    assert by_name(counts.countries) == {"BE": 3, "NL": 3}
    assert by_name(counts.cities) == {"GENT": 6}
    assert by_name(counts.languages) == {"nl": 6, "fr": 3}


def test_of_countries_and_cities_the_others_stay_to_be_chosen_and_of_languages_all_are_needed(snapshot):
    counts = faceted("sourdough honey", Mode.KEYWORD, snapshot, Filters(countries=("BE",))).facets()
    assert [(each.name, each.count, each.chosen) for each in counts.countries] == [("BE", 3, True), ("NL", 3, False)]
    chosen = faceted("sourdough honey", Mode.KEYWORD, snapshot, Filters(cities=("gent",), languages=("fr",))).facets()
    assert (chosen.matches, by_name(chosen.languages)) == (3, {"nl": 3, "fr": 3})
    assert [(each.name, each.chosen) for each in chosen.cities] == [("GENT", True)]


def test_a_version_of_an_earlier_release_has_no_places_and_says_so(snapshot, tmp_path):
    path = tmp_path / "facets.npz"
    np.savez(path, **{name: getattr(snapshot.facets, name) for name in STORED})
    older = replace(snapshot, facets=FacetColumns.load(path))
    counts = faceted("sourdough honey", Mode.KEYWORD, older).facets()
    assert (counts.countries, counts.cities, counts.languages) == ((), (), ())
    for name, value in (("countries", ("BE",)), ("available_by", date(2026, 1, 1))):
        with pytest.raises(InvalidFilter, match="built before TCS could filter by country"):
            search("honey", older, 10, filters=Filters(**{name: value}))


def test_weak_matches_are_not_counted(snapshot):
    results = search("honey", snapshot, 24)
    counts = FacetedQuery(results, snapshot).facets()
    assert len(results.hits) == 24
    assert counts.matches == 3
    assert by_name(counts.tags) == {"Bees": 3}
    assert by_name(counts.currencies) == {}


def test_what_sets_the_matches_apart_comes_before_what_most_have_anyway():
    here, everywhere = {"common": 6, "rare": 4, "as elsewhere": 3}, {"common": 20, "rare": 4, "as elsewhere": 12}
    apart = facet_counts._apart(here, everywhere, 6 / 24)
    assert sorted(apart, key=apart.__getitem__, reverse=True) == ["rare", "common", "as elsewhere"]
    assert apart["as elsewhere"] == 0


def test_a_count_is_how_many_are_found_with_that_filter(snapshot, tags):
    counts = faceted("honey and steel", Mode.HYBRID, snapshot, Filters(categories=("Craft",))).facets()
    for value in counts.tags + counts.industries:
        filters = Filters(categories=("Craft",), tags=(tags[value.name],))
        hits = search("honey and steel", snapshot, 24, filters=filters).hits
        assert sum(hit.is_strong for hit in hits) == value.count


def test_of_values_of_which_one_is_enough_the_others_stay_to_be_chosen(snapshot, tags):
    counts = faceted("honey steel", Mode.KEYWORD, snapshot, Filters(tags=(tags["Bees"],))).facets()
    assert counts.matches == 3
    assert by_name(counts.tags) == {"Bees": 3, "Boats": 3}
    assert [value.chosen for value in counts.tags] == [True, False]
    assert by_name(counts.industries) == {"Food": 3}
    all_of_them = Filters(tags=(tags["Bees"],), all_tags=True)
    every = faceted("honey steel", Mode.KEYWORD, snapshot, all_of_them).facets()
    assert by_name(every.tags) == {"Bees": 3}


def test_a_chosen_value_stays_in_sight_with_nobody_left(snapshot, tags):
    counts = faceted("steel", Mode.KEYWORD, snapshot, Filters(tags=(tags["Bees"],), all_tags=True)).facets()
    assert counts.tags == (FacetValue(tags["Bees"], "Bees", 0, chosen=True),)


def test_the_hidden_are_not_counted(snapshot):
    Expert.objects.filter(job_title="Baker").deactivate()
    counts = faceted("sourdough honey", Mode.KEYWORD, snapshot).facets()
    assert (counts.matches, counts.photo) == (3, 0)
    assert by_name(counts.industries) == {"Food": 3}


@pytest.mark.services
def test_the_deleted_are_not_counted_and_many_are_read_in_parts(snapshot, monkeypatch):
    everybody = sorted(Expert.objects.values_list("pk", flat=True))
    Expert.objects.filter(job_title="Baker").delete()
    counts = faceted("sourdough honey", Mode.KEYWORD, snapshot).facets()
    assert (counts.matches, counts.photo) == (3, 0)
    monkeypatch.setattr("experts.models.expert_queries.MAX_IDS", 5)
    left = sorted(Expert.objects.values_list("pk", flat=True))
    assert Expert.objects.active_among(everybody) == left
    assert len(left) == len(everybody) - 3
    assert Expert.objects.active_among([]) == []


def test_counting_takes_few_queries(snapshot, django_assert_num_queries):
    counted = faceted("honey", Mode.HYBRID, snapshot)
    with django_assert_num_queries(2):
        counted.facets()


def test_the_tightest_filter_is_the_one_without_which_most_match(snapshot, tags):
    filters = Filters(tags=(tags["Boats"],), industries=(tags["Food"],), currency="USD")
    loosened = faceted("honey", Mode.HYBRID, snapshot, filters).loosened()
    assert loosened is not None
    assert (loosened.group, loosened.matches) == ("industries", 3)
    assert loosened.filters == Filters(tags=(tags["Boats"],), currency="USD")


def test_by_words_only_those_with_a_word_count(snapshot, tags):
    filters = Filters(tags=(tags["Boats"],), categories=("Craft",))
    loosened = faceted("honey", Mode.KEYWORD, snapshot, filters).loosened()
    assert loosened is not None
    assert loosened.group == "tags"
    hopeless = Filters(tags=(tags["Boats"],), industries=(-1,))
    assert faceted("honey", Mode.KEYWORD, snapshot, hopeless).loosened() is None


def test_near_tags_are_those_that_stand_out(snapshot, tags, monkeypatch):
    monkeypatch.setattr("indexing.search.facet_counts.NEAREST", 3)
    near = faceted("keeps bees, breeds queens and sells honey", Mode.KEYWORD, snapshot).near_tags()
    assert [(tag.name, tag.count) for tag in near] == [("Bees", 3), ("Food", 6)]
