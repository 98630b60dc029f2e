"""Search over the API."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from experts.models import Expert, ExpertTag, Tag
from indexing import encoders
from indexing.search.filters import PLACES
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = "/api/search"


@pytest.fixture(autouse=True)
def anybody_on_the_staff(client):
    client.force_login(cast.staff())


def test_a_hit_says_who_and_how_near_and_which_version_answered(client):
    snapshot = cast.published(8)
    answer = client.get(SEARCH, {"q": "underwater steel bridges", "k": 3})
    assert answer.status_code == 200
    results = answer.json()
    assert (results["query"], results["mode"], results["version"]) == (
        "underwater steel bridges",
        "hybrid",
        snapshot.number,
    )
    assert len(results["hits"]) == 3
    best = results["hits"][0]
    assert best["expert"] == {
        "id": Expert.objects.get(username="expert-001").pk,
        "username": "expert-001",
        "name": "Erin Number001",
        "job_title": "Welder",
        "company": "Company 1",
        "bio": "Repairs steel bridges and ship hulls, underwater too. Case 1.",
        "hourly_rate": None,
        "currency": "",
        "profile_url": "",
        "photo_url": "",
        "category": "Finance",
    }
    assert (best["semantic_rank"], best["keyword_rank"]) == (1, 1)
    assert best["score"] > results["hits"][1]["score"]
    assert 0 < best["similarity"] <= 1
    scores = [hit["score"] for hit in results["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_the_rate_is_a_number(client):
    cast.experts(3)
    Expert.objects.update(hourly_rate="87.50", currency="EUR")
    cast.published_again()
    card = client.get(SEARCH, {"q": "welder"}).json()["hits"][0]["expert"]
    assert (card["hourly_rate"], card["currency"]) == (87.5, "EUR")


def test_keyword_mode_has_no_similarity_and_semantic_mode_no_keyword_rank(client):
    cast.published()
    words = client.get(SEARCH, {"q": "welder", "mode": "keyword"}).json()
    meaning = client.get(SEARCH, {"q": "welder", "mode": "semantic"}).json()
    assert [hit["similarity"] for hit in words["hits"]] == [None]
    assert {hit["keyword_rank"] for hit in meaning["hits"]} == {None}
    assert (words["mode"], meaning["mode"]) == ("keyword", "semantic")


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": " \t "}, "q"),
        ({"q": "x", "k": "0"}, "k"),
        ({"q": "x", "k": "101"}, "k"),
        ({"q": "x", "k": "many"}, "k"),
        ({"q": "x", "mode": "guess"}, "mode"),
    ],
)
def test_what_cannot_be_searched_is_422_and_names_the_field(client, parameters, field):
    cast.published()
    answer = client.get(SEARCH, parameters)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]
    assert field in answer.json()["detail"]


ODD = ["x" * 10_000, "\x00", "'; DROP TABLE--", "a:b AND (", "🐝" * 50, "%ff%fe", "\u202e", "\ud800"]


@pytest.mark.parametrize("mode", ["semantic", "keyword", "hybrid"])
def test_odd_queries_are_answered(client, mode):
    cast.published(3)
    for query in ODD:
        asked = urlencode({"q": query, "mode": mode}, errors="surrogatepass")
        assert client.get(f"{SEARCH}?{asked}").status_code == 200, query[:20]


def test_without_an_index_it_is_503_and_says_what_to_do(client):
    answer = client.get(SEARCH, {"q": "welder"})
    assert answer.status_code == 503
    assert "Rebuild index" in answer.json()["detail"]
    assert answer["Retry-After"]


def test_without_a_model_it_is_503_but_words_are_still_found(client, settings):
    cast.published()
    settings.TCS_ENCODER = "tests.support.fakes.NoSuchEncoder"
    encoders.reset()
    answer = client.get(SEARCH, {"q": "welder"})
    assert answer.status_code == 503
    assert "NoSuchEncoder" in answer.json()["detail"]
    assert client.get(SEARCH, {"q": "welder", "mode": "keyword"}).status_code == 200


def test_filters_are_applied_and_facets_counted(client):
    cast.experts(16)
    tag = Tag.objects.create(name="Knots", kind="domain", is_active=False)
    industry = Tag.objects.create(name="Ropes", kind="industry", is_active=False)
    for expert in Expert.objects.filter(username__in=("expert-002", "expert-003", "expert-004")):
        for each in (tag, industry):
            ExpertTag.objects.create(expert=expert, tag=each)
    Expert.objects.filter(username="expert-004").update(
        hourly_rate=80, currency="EUR", photo_url="https://x.example/1"
    )
    cast.published_again()
    asked = {"q": "case", "k": 16, "tag": ["Knots"], "match": "all", "industry": "Ropes", "category": "Craft"}
    results = client.get(SEARCH, asked).json()
    assert sorted(hit["expert"]["username"] for hit in results["hits"]) == ["expert-002", "expert-004"]
    assert results["facets"]["matches"] == 2
    assert {"name": "Knots", "count": 2} in results["facets"]["tags"]
    assert {"name": "Ropes", "count": 2} in results["facets"]["industries"]
    assert results["facets"]["categories"] == [{"name": "Craft", "count": 2}, {"name": "Finance", "count": 1}]
    assert (results["facets"]["currencies"], results["facets"]["photo"]) == ([{"name": "EUR", "count": 1}], 1)
    few = client.get(SEARCH, asked | {"rate_min": 70, "rate_max": 80, "currency": "eur", "photo": True}).json()
    assert [hit["expert"]["username"] for hit in few["hits"]] == ["expert-004"]


def test_people_are_filtered_by_place_languages_and_date(client):
    cast.experts(4)
    there = {"city": "Zürich", "country": "CH", "languages": "de nl", "available_from": "2026-12-01"}
    Expert.objects.filter(username="expert-001").update(**there)
    Expert.objects.filter(username="expert-002").update(country="NL", languages="nl")
    cast.published_again()
    for asked, found in (
        ({"country": "CH"}, ["expert-001"]),
        ({"city": "ZURICH"}, ["expert-001"]),
        ({"language": ["nl"]}, ["expert-001", "expert-002"]),
        ({"language": ["nl", "de"]}, ["expert-001"]),
        ({"available_by": "2026-12-01"}, ["expert-001"]),
        ({"available_by": "2026-11-30"}, []),
    ):
        results = client.get(SEARCH, {"q": "case"} | asked).json()
        assert sorted(hit["expert"]["username"] for hit in results["hits"]) == found, asked
    facets = client.get(SEARCH, {"q": "case"}).json()["facets"]
    assert facets["countries"] == [{"name": "CH", "count": 1}, {"name": "NL", "count": 1}]
    assert facets["cities"] == [{"name": "Zürich", "count": 1}]
    assert facets["languages"] == [{"name": "de", "count": 1}, {"name": "nl", "count": 2}]


def test_a_hit_says_which_words_were_found(client):
    cast.experts(8)
    tag = Tag.objects.create(name="Steel & iron", kind="domain", is_active=False)
    ExpertTag.objects.create(expert=Expert.objects.get(username="expert-001"), tag=tag)
    cast.published_again()
    best = client.get(SEARCH, {"q": "steel bridge welders"}).json()["hits"][0]
    assert best["highlights"] == {
        "job_title": "<mark>Welder</mark>",
        "bio": "Repairs <mark>steel</mark> <mark>bridges</mark> and ship hulls, underwater too. Case 1.",
    }
    assert "Steel & iron" in best["common_tags"]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"tag": "No such tag"}, "tag"),
        ({"industry": "\0"}, "industry"),
        ({"match": "some"}, "match"),
        ({"rate_min": "-1", "currency": "EUR"}, "rate_min"),
        ({"rate_max": "nan", "currency": "EUR"}, "rate_max"),
        ({"rate_min": "5"}, "currency"),
        ({"rate_min": "5", "rate_max": "4", "currency": "EUR"}, "rate_max"),
        ({"currency": "EURO"}, "currency"),
        ({"photo": "perhaps"}, "photo"),
        ({"country": "Netherlands"}, "country"),
        ({"city": "Nowhere"}, "city"),
        ({"language": ["nl", "dutch"]}, "language"),
        ({"available_by": "soon"}, "available_by"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_422_and_named(client, parameters, field):
    cast.published(3)
    answer = client.get(SEARCH, {"q": "case"} | parameters)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]


def test_the_filters_are_documented(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    documented = {each["name"]: each for each in paths["/api/search"]["get"]["parameters"]}
    for name in (
        "tag",
        "match",
        "industry",
        "category",
        "rate_min",
        "rate_max",
        "currency",
        "photo",
        *PLACES.values(),
    ):
        assert documented[name]["schema"]["description"]
    assert "/api/suggest" in paths
