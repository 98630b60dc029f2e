"""Why a result, and where somebody is, over the API."""

from __future__ import annotations

import pytest

from experts.models import Expert
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def anybody_on_the_staff(client):
    client.force_login(cast.staff())


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_the_parts_of_each_hit_add_up_to_its_score(client, mode):
    cast.published(24)
    asked = {"q": "steel bridge", "k": 24, "mode": mode, "explain": "true"}
    hits = client.get("/api/search", asked).json()["hits"]
    for place, hit in enumerate(hits, 1):
        explanation = hit["explanation"]
        assert sum(part["points"] for part in explanation["parts"]) == pytest.approx(hit["score"], abs=1e-3)
        assert explanation["rank"] == place
        assert (explanation["similarity"] is None) == (mode == "keyword")
        assert explanation["reasons"]
    assert client.get("/api/search", asked | {"explain": "false"}).json()["hits"][0]["explanation"] is None


def test_an_explanation_names_words_fields_and_changes(client):
    cast.published(24)
    asked = {"q": "bread porpoises", "explain": "true", "category": "Finance"}
    hits = {
        each["expert"]["username"]: each["explanation"] for each in client.get("/api/search", asked).json()["hits"]
    }
    baker = hits["expert-005"]
    assert (baker["people"], baker["filters"]) == (12, ["categories"])
    assert "Ranked among 12 who pass the filters: categories." in baker["reasons"]
    word = next(part for part in baker["parts"] if part["kind"] == "word")
    assert (word["text"], word["fields"], word["found"]) == ("bread", ["bio"], ["bread"])
    assert baker["missing"] == ["porpoises"]
    assert {(each["word"], each["gained"]) for each in baker["changes"]} == {("bread", False), ("porpoises", True)}
    assert "“bread” is in: bio." in baker["reasons"]


def test_where_somebody_is(client):
    cast.published(24)
    asked = {"q": "steel bridge", "who": "expert-001"}
    answer = client.get("/api/where", asked).json()
    assert [each["username"] for each in answer["people"]] == ["expert-001"]
    standing = answer["standing"]
    assert (standing["active"], standing["in_version"], standing["edited"]) == (True, True, [])
    assert standing["explanation"]["rank"] <= 3
    assert standing["explanation"]["filters"] == []
    filtered = client.get("/api/where", asked | {"category": "Craft"}).json()["standing"]
    assert filtered["excluded_by"] == ["categories"]
    assert filtered["explanation"]["rank"] == standing["explanation"]["rank"]
    several = client.get("/api/where", asked | {"who": "erin"}).json()
    assert (len(several["people"]), several["standing"]) == (8, None)
    by_id = client.get("/api/where", {"q": "steel", "expert": several["people"][0]["id"]}).json()
    assert by_id["people"] == several["people"][:1]


def test_inactive_experts_are_for_those_who_may_see_them(client):
    cast.published(3)
    Expert.objects.filter(username="expert-001").update(is_active=False)
    asked = {"q": "steel", "who": "expert-001"}
    assert client.get("/api/where", asked).status_code == 404
    client.force_login(cast.staff("experts.view_expert", username="ed"))
    standing = client.get("/api/where", asked).json()["standing"]
    assert (standing["active"], standing["explanation"]) == (False, None)
    assert standing["hindrances"] == ["Not active: only active experts are found."]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"who": "x"}, "q"),
        ({"q": " ", "who": "x"}, "q"),
        ({"q": "x", "expert": "0"}, "expert"),
        ({"q": "x", "who": "y" * 201}, "who"),
        ({"q": "x", "who": "y", "tag": "No such"}, "tag"),
    ],
)
def test_what_cannot_be_meant_is_422_and_named(client, parameters, field):
    cast.published(3)
    answer = client.get("/api/where", parameters)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])
