"""Documents are searched like the bio: by meaning and words, from the version, and shown to whoever may see them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from experts import directory
from experts.attachments import documents
from experts.models import Document, Expert
from experts.profiles.hashes import directory_rows
from experts.profiles.passages import long_text
from indexing import drift, encoders
from indexing.search import Hit, Mode, search
from indexing.serving import live
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.manifest import FIELDS_BEFORE, Manifest
from tests.support import attachments_cast as files
from tests.support import cast
from tests.support.fakes import HashEncoder
from tests.support.index_cast import built, built_snapshot, next_order

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = "who restores harpsichords and tunes them"
LATER = "Since then has restored harpsichords, tunes them, and lends a few. " * 6
CV = "Born on an island, and went to school there. " * 14 + LATER + "Likes tea with milk and a biscuit. " * 14


@pytest.fixture
def rich() -> Expert:
    rich = cast.experts(6)[3]
    files.document(rich, "letters.txt", "Letters of thanks from museums and from choirs. " * 20)
    files.document(rich, "cv.txt", CV)
    cast.published_again()
    return Expert.objects.get(pk=rich.pk)


def hit_of(expert: Expert, mode: Mode = Mode.HYBRID) -> Hit:
    return next(hit for hit in search(QUERY, live.current(), 6, mode).hits if hit.expert == expert)


@pytest.mark.parametrize("mode", list(Mode))
def test_somebody_is_found_by_what_only_a_document_says(rich, mode):
    assert search("restored harpsichords", live.current(), 6, mode).hits[0].expert == rich
    assert [hit.expert for hit in search('"tunes them, and lends"', live.current(), 6, mode).hits][:1] == [rich]


def test_every_passage_is_where_the_version_says(rich):
    snapshot = live.current()
    texts = [each.text for each in Document.objects.order_by("text_hash", "pk")]
    whole = long_text(rich.bio, texts)
    pieces = [whole[start : start + length] for _owner, start, length in snapshot.meaning.passages.table.tolist()]
    assert pieces[0] == pieces[1] == rich.bio  # the whole profile begins with it
    assert "".join(pieces[1:]).replace(" ", "") == "".join([rich.bio, *texts]).replace(" ", "")


def test_the_hit_has_the_passage_of_the_document(rich):
    hit = hit_of(rich)
    assert hit.passage is None
    assert hit.document.document.name == "cv.txt"
    assert "restored harpsichords" in hit.document.text
    assert CV[hit.document.start :].startswith(hit.document.text)
    documents.remove(Document.objects.get(name="letters.txt"))
    assert hit_of(rich).document is None  # other documents than the version has: their places are not known


def test_only_readers_with_the_right_see_the_passage(rich):
    for user, sees in (
        (cast.staff("indexing.view"), False),
        (cast.searcher(), True),
    ):
        client = Client()
        client.force_login(user)
        page = client.get(reverse("search"), {"q": QUERY}).content.decode()
        where = client.get(reverse("where"), {"q": QUERY, "expert": rich.pk}).content.decode()
        profile = client.get(rich.get_absolute_url(), {"q": QUERY}).content.decode()
        hit = client.get("/api/search", {"q": QUERY}).json()["hits"][0]
        assert hit["expert"]["id"] == rich.pk
        for shown in (page, where, profile):
            assert ("cv.txt" in shown, "<mark>harpsichords</mark>" in shown) == (sees, sees)
        assert bool(hit["document"]) == sees
    assert "restored harpsichords" in hit["document"]["text"]
    assert client.get(hit["document"]["address"]).content.decode() == CV


def test_an_explanation_names_the_documents(client, rich):
    client.force_login(cast.staff())
    hit = client.get("/api/search", {"q": QUERY, "explain": True}).json()["hits"][0]
    assert "“harpsichords” is in: documents." in hit["explanation"]["reasons"]


def test_a_document_is_drift_until_the_next_build_which_encodes_only_it():
    rich = cast.experts(6)[3]
    first = built_snapshot()
    assert drift.measure(first.baseline).count == 0
    document = files.document(rich, "cv.txt", CV)
    assert drift.measure(first.baseline).fields == {"documents": 1}
    encoder = encoders.loaded()
    assert isinstance(encoder, HashEncoder)
    before = len(encoder.encoded)
    second = built_snapshot(next_order())
    encoded = encoder.encoded[before:]
    of_profiles = [text for text in encoded if text.startswith(rich.job_title)]
    assert len(of_profiles) == len({*of_profiles}) == 4  # the bio alone has a vector, and two pieces are the same
    assert drift.measure(second.baseline).count == 0
    documents.remove(document)
    assert drift.measure(second.baseline).fields == {"documents": 1}


def test_the_rows_of_drift_are_what_the_build_reads(rich):
    read = sorted(map(tuple, directory.read_rows()))
    assert read == sorted(tuple(row) for expert in directory.read_active() for row in directory_rows(expert))
    assert sum(row[1].startswith("+") for row in read) == 2


def test_a_version_without_the_field_is_read_as_if_nobody_had_documents():
    cast.experts(3)
    folder = built().folder
    manifest = json.loads((folder / "manifest.json").read_bytes())
    hashes = np.load(folder / "field_hashes.npy")[:, : len(FIELDS_BEFORE)]
    np.save(folder / "field_hashes.npy", hashes)
    baseline = Baseline.read(folder, Manifest.from_bytes(json.dumps(manifest | {"fields": FIELDS_BEFORE}).encode()))
    assert drift.measure(baseline).count == 0
    files.document(Expert.objects.first())
    assert drift.measure(baseline).fields == {"documents": 1}
