"""Versions whose vectors are in Milvus: the real server, whatever a person sees."""

from __future__ import annotations

import pytest

from indexing import search
from indexing.models import IndexState, RebuildRun
from indexing.serving import live
from indexing.snapshot.milvus_engine import collection_name
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)


def built() -> RebuildRun:
    run = cast.rebuild()
    assert run.state == RebuildRun.State.DONE, run.error
    return run


def test_a_version_has_a_collection_of_its_own_and_finds_who_its_files_find(milvus, settings):
    cast.experts(30)
    run = built()
    snapshot = live.load_now()
    assert snapshot.manifest.engine == "milvus"
    name = collection_name(run.version_id, run.fence)
    assert milvus.list_collections() == [name]
    assert milvus.describe_alias("tcs_live")["collection_name"] == name
    found = search.search("bread", snapshot)
    settings.TCS_VECTORS = "files"
    again = built()
    assert again.version_id == IndexState.read().live_version_id
    assert live.load_now().manifest.engine == "files"
    expected = search.search("bread", live.load_now())
    assert [hit.expert.pk for hit in found.hits] == [hit.expert.pk for hit in expected.hits]
    assert [hit.score for hit in found.hits] == pytest.approx([hit.score for hit in expected.hits], abs=1e-4)
