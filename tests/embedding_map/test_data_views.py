"""The JSON of the map page: for the requested version, of active experts only, never a 500."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from experts.models import Expert, ExpertTag, Tag
from indexing import encoders
from indexing.lib import paths
from indexing.models import IndexVersion, SearchLog
from indexing.versions import free_memory
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)

AREAS, QUERY, GAPS, MOVES = (f"/admin/index/map/{name}/" for name in ("areas", "query", "gaps", "moves"))
COMPUTING = (202, {"status": "computing", "progress": None})
MapState = IndexVersion.MapState


@pytest.fixture(autouse=True)
def viewer(client):
    client.force_login(cast.staff("indexing.view"))


def draw(number: int, positions: np.ndarray) -> np.ndarray:
    """Put a finished map where a worker puts it."""
    paths.map_file(number).parent.mkdir(parents=True, exist_ok=True)
    np.save(paths.map_file(number), positions.astype(np.float32))
    IndexVersion.objects.filter(pk=number).update(map_state=MapState.DONE)
    return positions


def drawn(count: int = 8) -> int:
    """A live version with a map: expert i of the eight professions stands at (i, 0)."""
    number = cast.published(count).number
    draw(number, np.column_stack([np.arange(count), np.zeros(count)]))
    return number


def ask(client, address: str, **parameters: object) -> tuple[int, dict]:
    answer = client.get(address, parameters)
    return answer.status_code, answer.json()


def searched(query: str, days_ago: float = 0, **fields: object) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    fields = {"mode": "hybrid", "k": 10, "version": 1, "hits": 0, "found_nobody": True, "seconds": 0.01} | fields
    SearchLog.objects.create(at=at, day=at.date(), query=query, folded=query, **fields)


def ask_all(client, **parameters: object) -> list[tuple[int, dict]]:
    return [ask(client, address, **{"q": "bread"} | parameters) for address in (AREAS, QUERY, GAPS, MOVES)]


def test_without_a_version_there_is_nothing_to_show(client):
    for code, body in ask_all(client):
        assert code == 404
        assert "no index yet" in body["detail"]


def test_until_the_map_is_done_it_is_computing(client):
    cast.published(4)
    assert ask_all(client) == [COMPUTING] * 4
    IndexVersion.objects.update(map_progress=0.25)
    assert ask_all(client) == [(202, {"status": "computing", "progress": 0.25})] * 4


def test_a_version_that_is_none_is_not_found(client):
    drawn()
    for number in ("77", "x", "9" * 30):
        for code, body in ask_all(client, version=number, **{"from": number}):
            assert code == 404
            assert number in body["detail"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(file.read_bytes()[:-5]),
        lambda file: np.save(file, np.full((8, 2), np.nan, np.float32)),
    ],
)
def test_a_damaged_map_is_computed_again(client, damage):
    number = drawn()
    searched("zeppelin")
    for address in (AREAS, QUERY, GAPS, MOVES):
        IndexVersion.objects.update(map_state=MapState.DONE)
        damage(paths.map_file(number))
        assert ask(client, address, q="bread") == COMPUTING
        assert IndexVersion.objects.get(pk=number).map_owner_missing
        draw(number, np.zeros((8, 2)))


def test_a_kept_version_without_a_map_says_so(client):
    cast.published(8)
    drawn_again = cast.published_again().number
    draw(drawn_again, np.zeros((8, 2)))
    code, body = ask(client, AREAS, version=1)
    assert code == 404
    assert "Version 1 has no map" in body["detail"]
    assert ask(client, MOVES, **{"from": 1, "to": 2})[0] == 404


def test_too_little_memory_for_an_earlier_version_is_a_503_with_its_sentence(client, monkeypatch):
    """The status is found for a subclass too: `NotEnoughMemory` is a `SnapshotInvalid`."""
    drawn(8)
    cast.published_again()
    searched("gluten free bread")
    monkeypatch.setattr(free_memory, "room", lambda: 1_000)
    for address in (QUERY, GAPS):
        code, body = ask(client, address, version=1, q="bread")
        assert code == 503
        assert "not enough memory to open version 1" in body["detail"]


def test_a_failed_map_says_so(client):
    cast.published(4)
    IndexVersion.objects.update(map_state=MapState.FAILED)
    code, body = ask(client, AREAS)
    assert code == 404
    assert "failed" in body["detail"]


def test_a_query_stands_among_its_neighbours_and_names_its_hits(client):
    drawn(8)
    bakers = Expert.objects.get(job_title="Baker")
    Expert.objects.filter(job_title="Welder").deactivate()
    code, body = ask(client, QUERY, q="sourdough bread fermentation")
    assert code == 200
    assert 0 <= body["x"] <= 7
    assert body["y"] == 0
    first = body["hits"][0]
    assert first == {"id": bakers.pk, "rank": 1, "name": bakers.full_name, "title": "Baker"}
    assert [hit["rank"] for hit in body["hits"]] == list(range(1, len(body["hits"]) + 1))
    assert "Welder" not in {hit["title"] for hit in body["hits"]}


def test_no_query_is_a_mistake(client):
    drawn()
    for query in ("", "  "):
        code, body = ask(client, QUERY, q=query)
        assert (code, bool(body["detail"])) == (422, True)


def test_a_query_is_answered_by_the_version_that_is_named(client):
    drawn(8)
    Expert.objects.create(username="nora", first_name="Nora", last_name="New", job_title="Glazier")
    second = cast.published_again()
    draw(second.number, np.zeros((9, 2)))
    assert "Glazier" not in {hit["title"] for hit in ask(client, QUERY, q="glazier", version=1)[1]["hits"]}
    assert ask(client, QUERY, q="glazier", version=2)[1]["hits"][0]["title"] == "Glazier"


def test_without_its_model_only_queries_have_no_place(client, settings):
    drawn()
    searched("zeppelin")
    settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
    encoders.reset()
    answers = ask_all(client)
    assert [code for code, _body in answers] == [200, 503, 503, 200]
    assert "built with the model" in answers[1][1]["detail"]


def test_queries_that_found_nobody_are_placed_and_counted(client):
    drawn(8)
    searched("bread")
    searched("zeppelin", 2)
    searched("zeppelin", 1)
    searched("long ago", 31)
    searched("somebody", found_nobody=False, hits=3)
    code, body = ask(client, GAPS)
    assert (code, body["days"]) == (200, 30)
    assert [(gap["query"], gap["count"]) for gap in body["gaps"]] == [("zeppelin", 2), ("bread", 1)]
    placed = ask(client, QUERY, q="bread")[1]
    assert (body["gaps"][1]["x"], body["gaps"][1]["y"]) == (placed["x"], placed["y"])
    assert body["gaps"][0]["last"] > (timezone.now() - timedelta(days=1, minutes=1)).isoformat()


def test_a_query_among_the_gaps_is_encoded_only_once(client):
    drawn(8)
    searched("zeppelin")
    ask(client, GAPS)
    encoders.forget_queries()
    encoded = encoders.loaded().encoded
    encoded.clear()
    searched("airship")
    ask(client, GAPS)
    assert encoded == ["airship"]


def test_areas_are_called_by_their_tags(client):
    cast.experts(40)
    finance, craft = (Tag.objects.create(name=name, kind="domain", description=name) for name in ("Money", "Hands"))
    for expert in Expert.objects.all():
        ExpertTag.objects.create(expert=expert, tag=finance if expert.category == "Finance" else craft)
    snapshot = cast.published_again()
    sides = np.array([[0, 0] if expert.category == "Finance" else [9, 9] for expert in Expert.objects.order_by("pk")])
    draw(snapshot.number, sides + np.random.default_rng(0).normal(scale=0.3, size=(40, 2)))
    areas = ask(client, AREAS)[1]["areas"]
    assert {area["name"] for area in areas[:2]} == {"Money", "Hands"}
    money = next(area for area in areas if area["name"] == "Money")
    assert (money["x"], money["y"]) == pytest.approx((0, 0), abs=1)
    finance.delete()
    assert "Money" not in {area["name"] for area in ask(client, AREAS)[1]["areas"]}


def test_the_active_experts_who_moved_most_are_listed(client):
    drawn(8)
    draw(cast.published_again().number, np.column_stack([np.arange(8), [0, 0, 3, 0, 2, 0, 1, 0]]))
    ids = list(Expert.objects.order_by("pk").values_list("pk", flat=True))
    Expert.objects.filter(pk=ids[4]).deactivate()
    code, body = ask(client, MOVES, **{"from": 1, "to": 2})
    assert (code, body["from"], body["to"]) == (200, 1, 2)
    assert [each["id"] for each in body["moved"]] == [ids[2], ids[6]]
    first = body["moved"][0]
    assert (first["from"], first["to"]) == ([2, 0], [2, 3])
    assert first["distance"] == pytest.approx(3 / body["radius"], abs=1e-4)
    assert first["title"] == Expert.objects.get(pk=ids[2]).job_title
    assert body["median"] == 0
