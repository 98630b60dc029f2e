"""What adds up to a score, and what would change it."""

from __future__ import annotations

import pytest

from experts.models import Expert
from indexing.models.searches import Mode
from indexing.search import search
from indexing.search.explanation import Explainer
from indexing.search.filters import Filters
from indexing.search.reasons import changes, reasons
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)

QUERIES = (
    "steel bridges",
    "somebody who repairs ship hulls underwater",
    "Erin Number007",
    "expert-011",
    "value added tax for small firms",
    "Numbr019",
    "weldr",
    "zzqqxx",
    "the of and",
    "company",
)


@pytest.fixture
def snapshot():
    return cast.published(40)


def by_username(name: str) -> Expert:
    return Expert.objects.get(username=name)


@pytest.mark.parametrize("mode", Mode)
def test_the_parts_add_up_to_the_score_and_the_ranks_are_those_of_the_search(snapshot, mode):
    for query in QUERIES:
        results = search(query, snapshot, 40, mode)
        explainer = Explainer(query, snapshot, mode)
        for place, hit in enumerate(results.hits, 1):
            explanation = explainer.explain(hit.expert, hit.tags)
            assert explanation is not None
            assert sum(each.points for each in explanation.contributions) == pytest.approx(explanation.score)
            assert explanation.score == pytest.approx(hit.score, abs=1e-3)
            assert explanation.rank == place
            assert (hit.keyword_rank is None) == (not any(each.kind == "word" for each in explanation.contributions))
            assert "estimate" not in {each.kind for each in explanation.contributions}
            if hit.semantic_rank is not None:
                assert explanation.semantic_rank == hit.semantic_rank
            assert explanation.keyword_rank == hit.keyword_rank


def test_a_word_that_the_search_did_not_read_so_far_down_is_an_estimate(settings, snapshot, monkeypatch):
    monkeypatch.setattr("indexing.search.searcher.DEPTH_PER_HIT", 1)
    settings.TCS_SEARCH_KEYWORD_DEPTH, settings.TCS_SEARCH_SEMANTIC_DEPTH = 2, 40
    monkeypatch.setattr("indexing.search.explanation.MAX_K", 2)
    monkeypatch.setattr("indexing.search.searcher.MAX_K", 2)
    explainer = Explainer("company case", snapshot, Mode.HYBRID)
    explained = [explainer.explain(hit.expert, hit.tags) for hit in explainer.listed]
    for explanation, hit in zip(explained, explainer.listed, strict=True):
        assert explanation
        assert sum(each.points for each in explanation.contributions) == pytest.approx(hit.score, abs=1e-3)


def test_each_word_says_where_it_was_found_and_as_what(snapshot):
    query = "welding of steel bridge hulls"
    explanation = Explainer(query, snapshot, Mode.HYBRID).explain(by_username("expert-001"), ())
    assert explanation
    words = {each.text: each for each in explanation.contributions if each.kind == "word"}
    assert (words["steel"].fields, words["steel"].found) == (("bio",), ("steel",))
    assert words["bridge"].found == ("bridges",)
    assert explanation.missing == ("welding",) or "welding" in words
    said = reasons(explanation)
    assert "“steel” is in: bio." in said
    assert "“bridge” matches “bridges” in: bio." in said


def test_what_the_profile_lacks_and_what_it_would_change(snapshot):
    query = "bread porpoises"
    explanation = Explainer(query, snapshot, Mode.HYBRID).explain(by_username("expert-005"), ())
    assert explanation
    assert explanation.missing == ("porpoises",)
    without, also = explanation.changes
    assert (without.word, without.gained, also.word, also.gained) == ("bread", False, "porpoises", True)
    assert explanation.rank is not None
    assert without.rank > explanation.rank >= also.rank
    assert also.rank == 1
    assert "Not in the profile: “porpoises”." in reasons(explanation)
    assert f"Without “bread” in the profile: about number {without.rank}." in changes(explanation)


def test_only_those_who_pass_the_filters_and_are_active_are_ranked(snapshot):
    everybody = Explainer("steel", snapshot, Mode.HYBRID)
    Expert.objects.filter(username="expert-009").update(is_active=False)
    craft = Explainer("steel", snapshot, Mode.HYBRID, Filters(categories=("Craft",)))
    assert len(everybody.field.ids) == 39
    assert len(craft.field.ids) == 20
    assert craft.explain(by_username("expert-001"), ()) is None, "filtered out"
    assert everybody.explain(by_username("expert-009"), ()) is None, "not active"
    last = craft.explain(by_username("expert-016"), ())
    assert last
    assert last.people == 20


def test_by_keywords_alone_somebody_without_any_of_the_words_has_no_rank(snapshot):
    explanation = Explainer("honey", snapshot, Mode.KEYWORD).explain(by_username("expert-001"), ())
    assert explanation
    assert (explanation.rank, explanation.keyword_rank, explanation.contributions) == (None, None, ())
    assert explanation.missing == ("honey",)
    assert explanation.semantic_rank is None
