"""Comparisons, drift and the map, on a machine that has built nothing: their files are in the bucket only."""

from __future__ import annotations

import numpy as np
import pytest
from django.test import Client

from experts.models import Expert
from indexing.drift import measurement
from indexing.embedding_map.layout import compute
from indexing.lib import paths
from indexing.models import IndexVersion, RebuildRun
from indexing.versions import opening
from indexing.versions.bucket import s3
from tests.support import cast, map_cast, version_cast
from tests.support.html_reading import html

pytestmark = pytest.mark.django_db(transaction=True)

ADMIN = "/admin/index/"


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(cast.staff("indexing.view", "experts.view_expert"))
    return client


def drift() -> list[list[int]]:
    """Ids of those who were changed and removed since the live version was built."""
    found = measurement.measure(opening.open_baseline(IndexVersion.objects.get(number=2)))
    return [found.changed.tolist(), found.removed.tolist()]


def test_two_versions_are_compared(machine, viewer):
    version_cast.two_versions()
    folder = machine("web1")
    page = html(viewer.get(f"{ADMIN}versions/compare/", {"from": 1, "to": 2, "list": "changed"}))
    assert "Version 1 has 8 experts, version 2 has 9" in page
    assert "expert-001" in page
    assert "<ins>Now restores church organs.</ins>" in page
    assert {path.name for path in (folder / "versions").iterdir()} == {"000001", "000002"}


def test_drift_is_what_it_is_on_the_machine_that_built(machine, viewer):
    version_cast.two_versions()
    Expert.objects.filter(username="expert-002").update(bio="Now restores clocks.")
    Expert.objects.filter(username="expert-003").delete()
    there = drift()
    machine("web1")
    assert drift() == there
    assert [len(each) for each in there] == [1, 1]
    assert "expert-002" in html(viewer.get(f"{ADMIN}drift/"))


def test_the_map_that_a_worker_computed_is_on_every_machine(machine, viewer, server, stored, monkeypatch):
    cast.experts(30)
    run = cast.rebuild()
    assert run.state == RebuildRun.State.DONE, run.error
    assert compute.compute(run.version_id)
    worker = np.load(paths.map_file(run.version_id))
    ids = list(Expert.objects.order_by("pk").values_list("pk", flat=True))
    machine("web1")
    assert 'id="map"' in html(viewer.get(f"{ADMIN}map/"))
    assert not paths.map_file(run.version_id).exists() or np.load(paths.map_file(run.version_id)).shape == (30, 2)
    sent = map_cast.points(viewer.get(f"{ADMIN}map/points/").content)
    assert (sent.version, sent.ids) == (run.version_id, ids)
    assert np.array_equal(sent.positions, worker)
    assert paths.map_file(run.version_id).exists()
    people = viewer.get(f"{ADMIN}map/people/", {"ids": str(ids[0])})
    assert people.status_code == 200
    monkeypatch.setattr(s3, "RETRY_FOR", s3.RETRY_FOR * 0.1)
    machine("web2")
    server.kill()
    refused = viewer.get(f"{ADMIN}map/points/")
    assert refused.status_code == 503
    assert "does not answer" in refused.content.decode()
    server.start()
    assert viewer.get(f"{ADMIN}map/points/").status_code == 200
    name = next(each["path"] for batch in stored().list("maps/") for each in batch)
    stored().put(name, b"damaged")
    machine("web3")
    viewer.get(f"{ADMIN}map/points/")
    assert IndexVersion.objects.get().map_state != IndexVersion.MapState.DONE  # it is computed again
