"""Filters: who passes them, that both halves of a search agree about it, and that k are found where k are."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import numpy as np
import pytest

from experts.models import Expert, ExpertTag, Tag
from experts.profiles.records import ExpertRecord
from indexing import encoders
from indexing.search import Mode, search
from indexing.search.filters import NONE, Filters, InvalidFilter
from indexing.snapshot import vectors
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.files_engine import MappedVectors
from indexing.snapshot.keyword_index import KeywordIndex, build_index
from indexing.snapshot.keyword_schema import KeywordDocument
from indexing.snapshot.meaning_index import MeaningIndex
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.places import PlaceColumns
from indexing.snapshot.prefilter import KeywordConditions, Prefilter
from indexing.snapshot.vectors import VectorIndex
from tests.support import cast
from tests.support.index_cast import built_snapshot


def living(**there: object) -> ExpertRecord:
    texts = ("first_name", "last_name", "job_title", "company", "bio", "currency", "category", "tagged_for")
    unset = dict.fromkeys(texts, "") | {"id": 1, "username": "erin", "hourly_rate": None, "has_photo": False}
    return ExpertRecord(**(unset | there))


FACETS = FacetColumns(
    rate=np.array([50.0, 100.0, np.nan, 100.0, 150.0]),
    currency=np.array(["EUR", "EUR", "EUR", "USD", "EUR"]),
    category=np.array([0, 1, 2, 1, 2], np.int32),
    categories=np.array(["", "Craft", "Law"]),
    has_photo=np.array([True, False, True, True, False]),
    tag_starts=np.array([0, 2, 3, 3, 5, 6]),
    tag_ids=np.array([1, 2, 2, 1, 3, 3]),
    places=PlaceColumns.from_records(
        [
            living(city="Zürich", country="CH", languages="de fr", available_from=date(2026, 12, 1)),
            living(city="zurich ", country="CH", languages="de"),
            living(city="Utrecht", country="NL", languages="nl de en", available_from=date(1969, 7, 20)),
            living(),
            living(city="ZÜRICH", country="NL", languages="fr", available_from=date(2027, 1, 4)),
        ]
    ),
)

CASES = {
    "nothing": (NONE, [0, 1, 2, 3, 4]),
    "one tag": (Filters(tags=(1,)), [0, 3]),
    "any of two tags": (Filters(tags=(2, 3)), [0, 1, 3, 4]),
    "all of two tags": (Filters(tags=(1, 2), all_tags=True), [0]),
    "all of two tags that nobody has together": (Filters(tags=(2, 3), all_tags=True), []),
    "a tag that nobody has": (Filters(tags=(99,)), []),
    "industries besides tags": (Filters(tags=(1,), industries=(3,)), [3]),
    "any of two categories": (Filters(categories=("Law", "Craft")), [1, 2, 3, 4]),
    "a category that nobody has": (Filters(categories=("Art",)), []),
    "no category is not every category": (Filters(categories=("Law",)), [2, 4]),
    "a lowest rate": (Filters(rate_min=100, currency="EUR"), [1, 4]),
    "a highest rate": (Filters(rate_max=100, currency="EUR"), [0, 1]),
    "both, which are included": (Filters(rate_min=100, rate_max=150, currency="EUR"), [1, 4]),
    "another currency is another rate": (Filters(rate_min=100, currency="USD"), [3]),
    "a currency: those who say a rate in it": (Filters(currency="EUR"), [0, 1, 4]),
    "a photo": (Filters(photo=True), [0, 2, 3]),
    "any of two countries": (Filters(countries=("CH", "NL")), [0, 1, 2, 4]),
    "a country that nobody is in": (Filters(countries=("BE",)), []),
    "a city, however it is written": (Filters(cities=("zurich",)), [0, 1, 4]),
    "any of two cities, in a country": (Filters(cities=("ZÜRICH", "Utrecht"), countries=("NL",)), [2, 4]),
    "a language": (Filters(languages=("de",)), [0, 1, 2]),
    "every one of two languages": (Filters(languages=("de", "nl")), [2]),
    "available by a day, which is included": (Filters(available_by=date(2026, 12, 1)), [0, 2]),
    "nobody is available that early": (Filters(available_by=date(1969, 7, 19)), []),
    "everything at once": (
        Filters(tags=(1,), industries=(3,), categories=("Craft",), rate_min=1, currency="USD", photo=True),
        [3],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_mask_says_who_passes(case):
    filters, rows = CASES[case]
    mask = filters.mask(FACETS)
    assert mask.dtype == np.bool_
    assert np.flatnonzero(mask).tolist() == rows


@pytest.fixture(scope="module")
def worded(tmp_path_factory) -> KeywordIndex:
    folder = tmp_path_factory.mktemp("index") / "keywords"
    each = enumerate(FACETS.filtered_by(0, len(FACETS)))
    documents = [KeywordDocument(row, *by, name="Erin", username=f"e{row}", bio="steel") for row, by in each]
    build_index(documents, folder)
    return KeywordIndex.open(folder)


@pytest.mark.parametrize("case", CASES)
def test_the_keyword_index_understands_the_same(worded, case):
    filters, rows = CASES[case]
    found, scores = worded.search("steel", 10, filters.conditions())
    assert sorted(found.tolist()) == rows
    _, unfiltered = worded.search("steel", 10)
    assert set(scores.tolist()) <= set(unfiltered.tolist()), "a filter must not change scores"


def test_labels_are_not_words(worded):
    assert worded.search("tag:1 craft photo eur", 10)[0].tolist() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"rate_min": -1.0, "currency": "EUR"}, "rate_min"),
        ({"rate_max": float("nan"), "currency": "EUR"}, "rate_max"),
        ({"rate_max": float("inf"), "currency": "EUR"}, "rate_max"),
        ({"rate_min": 10.0}, "currency"),
        ({"rate_min": 10.0, "rate_max": 9.0, "currency": "EUR"}, "rate_max"),
    ],
)
def test_a_contradiction_is_refused_and_names_its_field(values, field):
    with pytest.raises(InvalidFilter) as refused:
        Filters(**values)
    assert refused.value.field == field


def test_filters_can_be_dropped_one_at_a_time():
    filters = Filters(tags=(1, 2), all_tags=True, categories=("Law",), rate_min=5, currency="EUR", photo=True)
    dropped = {(group, value): left for group, value, left in filters.each_dropped()}
    assert len(dropped) == 5
    assert dropped["tags", 1].tags == (2,)
    assert dropped["categories", ("Law",)].categories == ()
    assert dropped["rate", None] == Filters(tags=(1, 2), all_tags=True, categories=("Law",), photo=True)
    assert [group for group, _, _ in Filters(tags=(1, 2)).each_dropped()] == ["tags"]


@pytest.fixture(scope="module")
def cloud() -> np.ndarray:
    """float32[20,000, 32] unit vectors in clumps, as sentences are: without any, no graph finds its way."""
    dice = np.random.default_rng(4)
    points = dice.normal(size=(60, 32))[dice.integers(60, size=20_000)] + 0.6 * dice.normal(size=(20_000, 32))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module", params=["exact", "approximate"])
def index(request, cloud, tmp_path_factory) -> MeaningIndex:
    ann = None
    if request.param == "approximate":
        target = tmp_path_factory.mktemp("ann") / "ann.faiss"
        vectors.build_index(cloud, target)
        ann = VectorIndex.open(target)
    return MeaningIndex(MappedVectors(cloud, PassageRows.none(), ann), len(cloud), PassageRows.none())


@pytest.mark.parametrize("share", [1.0, 0.7, 0.2, 0.01, 0.0005, 0.0])
@pytest.mark.parametrize("among", [0, vectors.EXACT_AMONG])
def test_vectors_give_k_of_those_selected_and_the_nearest(cloud, index, share, among, monkeypatch):
    monkeypatch.setattr(vectors, "EXACT_AMONG", among)
    monkeypatch.setattr(vectors, "EXACT_SHARE", len(cloud) if not among else vectors.EXACT_SHARE)
    mask = np.random.default_rng(5).random(len(cloud)) < share
    selected = np.flatnonzero(mask)
    for query in cloud[:: len(cloud) // 5]:
        rows, similarities = index.nearest(query, 50, Prefilter(mask, KeywordConditions()))
        assert len(rows) == min(50, len(selected))
        assert mask[rows].all()
        assert (np.diff(similarities) <= 0).all()
        assert similarities == pytest.approx(cloud[rows] @ query, abs=1e-5)
        nearest = selected[np.argsort(-(cloud[selected] @ query))[: len(rows)]]
        assert len(np.intersect1d(rows, nearest)) >= 0.9 * len(rows)


@pytest.fixture
def people(db):
    cast.experts(60)
    tags = [Tag.objects.create(name=name, kind="domain", is_active=False) for name in ("Rare", "Common")]
    everybody = list(Expert.objects.order_by("pk"))
    for each in everybody[-7:]:
        ExpertTag.objects.create(expert=each, tag=tags[0])
    for each in everybody[::2]:
        ExpertTag.objects.create(expert=each, tag=tags[1])
    for each in everybody[10:40]:
        each.hourly_rate, each.currency, each.photo_url = 20 + each.pk % 50, "EUR", "https://example.org/x.jpg"
        each.save()
    encoders.reset()
    yield tags
    encoders.reset()


@pytest.mark.parametrize("mode", Mode)
def test_k_come_back_where_k_exist(people, mode):
    snapshot = built_snapshot()
    rare, common = (tag.pk for tag in people)
    possible = [
        {"tags": (rare,)},
        {"industries": (common,)},
        {"categories": ("Finance",)},
        {"photo": True},
        {"rate_min": 30.0, "rate_max": 60.0, "currency": "EUR"},
    ]
    for some in (*((each,) for each in possible), *combinations(possible, 2)):
        filters = Filters(**{name: value for each in some for name, value in each.items()})
        passing = set(snapshot.ids[filters.mask(snapshot.facets)].tolist())
        hits = search("repairs steel case", snapshot, 60, mode, filters=filters).hits
        found = {hit.expert.pk for hit in hits}
        if mode == Mode.KEYWORD:
            assert found <= passing
        else:
            assert found == passing
        few = search("repairs steel case", snapshot, 3, mode, filters=filters).hits
        assert [hit.expert.pk for hit in few] == [hit.expert.pk for hit in hits[:3]]


def test_the_hidden_leave_no_gap_under_a_filter_either(people):
    snapshot = built_snapshot()
    rare = people[0]
    hidden = Expert.objects.filter(tags=rare).order_by("pk").first()
    Expert.objects.filter(pk=hidden.pk).update(is_active=False)
    hits = search("case", snapshot, 6, filters=Filters(tags=(rare.pk,))).hits
    assert len(hits) == 6
    assert hidden.pk not in {hit.expert.pk for hit in hits}


def test_nobody_passing_is_nobody_found(people):
    snapshot = built_snapshot()
    for mode in Mode:
        assert search("case", snapshot, 5, mode, filters=Filters(tags=(-1,))).hits == ()
