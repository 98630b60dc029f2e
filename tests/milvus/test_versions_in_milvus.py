"""Versions whose vectors are in Milvus: with the real server, also when it is killed."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from django.core.management import call_command
from pymilvus import MilvusClient

from experts.models import Expert
from indexing import search
from indexing.errors import CollectionInvalid, VectorsUnavailable
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.quality import gate
from indexing.search.filters import Filters
from indexing.search.words_instead import NOTICE
from indexing.serving import live
from indexing.snapshot import milvus_vectors
from indexing.snapshot.milvus_engine import MilvusEngine
from indexing.versions import collections, decisions, opening
from tests.support import cast
from tests.support.milvus_cast import built, name_of
from tests.support.version_cast import CAROL
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(db) -> list[Expert]:
    cast.experts(40)
    people = list(Expert.objects.order_by("pk"))
    for number, each in enumerate(people):
        each.city, each.country, each.languages = ("Zürich", 'A "quoted" \\ town')[number % 2], "CH", "de en"
        if number % 3:
            each.hourly_rate, each.currency = 20 + number, "EUR"
        each.bio = " ".join([each.bio, *(f"They know craft number {number} of {part} well." for part in range(40))])
        each.save()
    return people


def test_it_finds_who_the_files_find_and_rollback_goes_from_one_to_the_other(milvus, settings, people):
    first = built()
    snapshot = live.load_now()
    assert snapshot.manifest.engine == "milvus"
    assert milvus.list_collections() == [name_of(first)]
    assert milvus.describe_alias(collections.ALIAS)["collection_name"] == name_of(first)
    settings.TCS_VECTORS = "files"
    second = built()
    files = live.load_now()
    assert (files.number, files.manifest.engine) == (second.version_id, "files")
    np.testing.assert_array_equal(files.matrix, snapshot.matrix)  # nothing was encoded again
    everybody = snapshot.ids
    for text in ("bread", "craft number 7", "repairs engines"):
        for filters in (
            Filters(),
            Filters(cities=('a "quoted" \\ town',)),
            Filters(currency="EUR", rate_min=25, rate_max=45),
            Filters(countries=("CH",), languages=("de",), categories=tuple(snapshot.facets.categories.tolist())),
        ):
            with_listed(snapshot, files, text, filters)
        vector = search.query_vector(text, snapshot)
        np.testing.assert_allclose(
            snapshot.similarities(vector, everybody), files.similarities(vector, everybody), atol=1e-5
        )
    decisions.roll_back(first.version_id, CAROL, "To see that it can be searched.")
    assert live.load_now().manifest.engine == "milvus"
    assert search.search("bread", live.load_now()).hits


def with_listed(snapshot, files, text: str, filters: Filters) -> None:
    """The same hits, whether experts are named to Milvus or described by their labels."""
    expected = search.search(text, files, 20, filters=filters)
    for listed in (0, 500):
        milvus_vectors.LISTED, before = listed, milvus_vectors.LISTED
        found = search.search(text, snapshot, 20, filters=filters)
        milvus_vectors.LISTED = before
        assert [hit.expert.pk for hit in found.hits] == [hit.expert.pk for hit in expected.hits], (text, filters)
        assert [hit.passage for hit in found.hits] == [hit.passage for hit in expected.hits]
        scores = [hit.score for hit in expected.hits]
        assert [hit.score for hit in found.hits] == pytest.approx(scores, abs=1e-3)


def test_killed_between_gate_and_commit_the_version_is_live_and_searched_by_words_until_it_is_back(
    milvus, server, client, monkeypatch
):
    cast.experts(20)
    built()
    live.load_now()
    client.force_login(cast.staff(superuser=True))
    page, api = "/", "/api/search"
    address = {"q": "bread"}
    assert client.get(api, address).json()["mode"] == "hybrid"
    judge = gate.judge

    def killed(*arguments: object) -> gate.Report:
        report = judge(*arguments)
        server.kill()
        return report

    with monkeypatch.context() as dying:
        dying.setattr(gate, "judge", killed)
        second = built()
    assert live.load_now().number == IndexState.read().live_version_id == second.version_id
    answer = client.get(api, address)
    assert answer.status_code == 200
    assert (answer.json()["mode"], answer.json()["notice"]) == ("keyword", str(NOTICE))
    assert answer.json()["hits"]
    assert client.get(api, address | {"mode": "semantic"}).status_code == 503
    shown = client.get(page, address)
    assert shown.status_code == 200
    assert str(NOTICE) in shown.content.decode()
    with pytest.raises(VectorsUnavailable):
        search.search("bread", live.current())
    run = built(RebuildRun.State.FAILED)
    assert "Milvus" in run.error
    assert IndexState.read().live_version_id == live.current().number
    server.start()
    until(lambda: client.get(api, address).json()["mode"] == "hybrid", seconds=90)
    assert client.get(api, address).json()["version"] == second.version_id
    assert str(NOTICE) not in client.get(page, address).content.decode()


def test_killed_in_the_middle_of_a_build_the_run_fails_and_the_next_one_succeeds(milvus, server, monkeypatch):
    cast.experts(20)
    real = MilvusEngine._index

    def killed(self: MilvusEngine, *args: object, **options: object) -> None:
        server.kill()
        real(self, *args, **options)

    monkeypatch.setattr(MilvusEngine, "_index", killed)
    run = built(RebuildRun.State.FAILED)
    assert "Milvus (127.0.0.1:" in run.error
    assert IndexState.read().live_version_id is None
    monkeypatch.undo()
    server.start()
    done = built()
    left = MilvusClient(uri=server.uri).list_collections()
    assert left == [name_of(done)]  # what the failed run left is gone


def test_only_collections_that_no_kept_version_of_this_database_has_are_dropped(milvus, settings, caplog):
    settings.TCS_KEEP_VERSIONS = 3
    cast.experts(8)
    runs = [built() for _ in range(4)]
    names = [name_of(run) for run in runs]
    engine = MilvusEngine(settings.TCS_MILVUS_URI)
    assert sorted(milvus.list_collections()) == names[1:]
    assert [engine.is_loaded(each) for each in names[1:]] == [False, True, True]  # the live one and the one before
    with caplog.at_level(logging.INFO):
        opening.require_openable(runs[1].version_id)
    assert "Loading collection" in caplog.text
    assert engine.is_loaded(names[1])
    IndexVersion.objects.filter(pk=runs[1].version_id).update(state=IndexVersion.State.DELETED)
    milvus.create_alias(names[1], "somebody_else")
    collections.sweep()
    assert names[1] in milvus.list_collections()
    milvus.drop_alias("somebody_else")
    IndexState.objects.update(database_id="another")
    collections.sweep()
    assert sorted(milvus.list_collections()) == names[1:]
    milvus.delete(names[3], ids=[0])
    with pytest.raises(CollectionInvalid, match="has 7 vectors, the manifest says 8"):
        opening.open_snapshot(runs[3].version)
    milvus.drop_collection(names[3])
    with pytest.raises(CollectionInvalid, match="has no collection"):
        opening.open_snapshot(runs[3].version)


def test_an_operator_checks_a_milvus_with_one_command(milvus, server, capsys):
    call_command("check_milvus", experts=200)
    said = capsys.readouterr().out
    assert "This Milvus does what TCS needs." in said
    assert "approximate: recall@10" in said
    assert milvus.list_collections() == []
