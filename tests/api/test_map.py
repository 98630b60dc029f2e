"""The map over the API: of the live version or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from experts.models import Expert
from indexing.lib import paths
from indexing.models import IndexVersion
from indexing.serving import live
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)

MAP = "/api/admin/embedding-map"
COMPUTING = (202, {"status": "computing"})


@pytest.fixture(autouse=True)
def viewer(client):
    client.force_login(cast.staff("indexing.view"))


def draw(number: int, count: int) -> np.ndarray:
    """Put a finished map of `count` experts where a worker puts it."""
    positions = np.random.default_rng(number).normal(size=(count, 2)).astype(np.float32)
    paths.map_file(number).parent.mkdir(parents=True, exist_ok=True)
    np.save(paths.map_file(number), positions)
    IndexVersion.objects.filter(pk=number).update(map_state=IndexVersion.MapState.DONE)
    return positions


def ask(client) -> tuple[int, dict]:
    answer = client.get(MAP)
    return answer.status_code, answer.json()


def test_before_the_first_version_it_is_computing(client):
    assert ask(client) == COMPUTING


@pytest.mark.parametrize("state", ["none", "computing", "failed"])
def test_until_the_live_versions_map_is_done_it_is_computing(client, state):
    snapshot = cast.published(4)
    draw(snapshot.number, 4)
    IndexVersion.objects.update(map_state=state)
    assert ask(client) == COMPUTING


def test_it_says_how_far_the_map_is(client):
    cast.published(4)
    IndexVersion.objects.update(map_progress=0.25)
    assert ask(client) == (202, {"status": "computing", "progress": 0.25})


def test_every_active_expert_is_a_point_where_the_map_has_them(client):
    snapshot = cast.published(4)
    positions = draw(snapshot.number, 4)
    code, body = ask(client)
    assert code == 200
    assert body["version"] == snapshot.number
    by_name = {point["username"]: point for point in body["points"]}
    assert set(by_name) == {f"expert-{number:03d}" for number in range(1, 5)}
    for row, pk in enumerate(snapshot.ids.tolist()):
        expert = Expert.objects.get(pk=pk)
        point = by_name[expert.username]
        assert (point["x"], point["y"]) == pytest.approx(positions[row].tolist(), abs=0.001)
        assert (point["name"], point["category"]) == (expert.full_name, expert.category)


def test_a_new_version_makes_it_computing_again_and_then_shows_its_own(client):
    draw(cast.published(4).number, 4)
    assert ask(client)[0] == 200
    second = cast.published_again()
    assert ask(client) == COMPUTING
    draw(second.number, len(second.ids))
    assert ask(client)[1]["version"] == second.number


def test_a_process_that_still_serves_the_old_version_shows_no_map_of_the_new(client):
    draw(cast.published(4).number, 4)
    run = cast.rebuild()
    draw(run.version_id, 4)
    assert live.current().number != run.version_id
    assert ask(client) == COMPUTING


def test_an_expert_hidden_since_leaves_the_map_and_comes_back(client):
    draw(cast.published(4).number, 4)
    assert len(ask(client)[1]["points"]) == 4
    hidden = Expert.objects.filter(username="expert-002")
    hidden.deactivate()
    assert "expert-002" not in {point["username"] for point in ask(client)[1]["points"]}
    hidden.activate()
    assert len(ask(client)[1]["points"]) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b"not an array"),
        lambda file: file.write_bytes(b""),
        lambda file: np.save(file, np.zeros((3, 2), np.float32)),
    ],
)
def test_a_map_that_cannot_be_read_is_not_an_error(client, damage):
    snapshot = cast.published(4)
    draw(snapshot.number, 4)
    damage(paths.map_file(snapshot.number))
    assert ask(client) == COMPUTING
    assert IndexVersion.objects.get(pk=snapshot.number).map_owner_missing  # so it is computed again


def test_a_map_that_is_lost_after_it_was_shown_is_computed_again(client):
    number = draw_live(client)
    paths.map_file(number).unlink()
    assert ask(client) == COMPUTING
    positions = draw(number, 4) + 1
    np.save(paths.map_file(number), positions)
    shown = {(point["x"], point["y"]) for point in ask(client)[1]["points"]}
    assert min(shown) == pytest.approx(min(map(tuple, positions.tolist())), abs=0.001)


def draw_live(client) -> int:
    """A live version whose map was shown."""
    number = cast.published(4).number
    draw(number, 4)
    assert ask(client)[0] == 200
    return number


def test_an_unchanged_map_is_not_sent_again(client):
    draw(cast.published(4).number, 4)
    first = client.get(MAP)
    again = client.get(MAP, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Expert.objects.filter(username="expert-001").deactivate()
    assert client.get(MAP, headers={"If-None-Match": first["ETag"]}).status_code == 200
