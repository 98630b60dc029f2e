"""Search tests: saved from the Lab, and run on two versions, as a table and as JSON."""

from __future__ import annotations

import re
from statistics import fmean

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages

from experts.models import Expert
from indexing import encoders
from indexing.models import IndexVersion, SearchTest
from indexing.quality import search_tests
from indexing.serving import open_versions
from tests.support import cast, version_cast
from tests.support.html_reading import html, parse_html

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/index/search-tests/"
API = "/api/admin/search-tests/run"
LAB = "/admin/index/lab/"
SAVE = "/admin/index/lab/save/"


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", username="vi"))
    return client


@pytest.fixture
def two() -> None:
    """Version 1 has no glazier, version 2 does. A second query expects experts that both versions find."""
    version_cast.two_versions()
    query = SearchTest.objects.create(text="glazier case", k=3)
    query.expected.set(Expert.objects.filter(username="new"))
    other = SearchTest.objects.create(text="church organs bread", k=20)
    other.expected.set(Expert.objects.filter(username__in=["expert-001", "expert-002"]))


class TestRunning:
    @pytest.mark.usefixtures("two")
    def test_each_query_gives_the_ranks_of_its_expected_experts_in_each_version(self, viewer):
        result = viewer.get(API, {"a": 1, "b": 2}).json()
        organs, glazier = result["queries"]
        assert glazier["query"] == "glazier case"
        assert glazier["expected"] == [{"username": "new", "a": None, "b": 1}]
        assert len(glazier["a"]) == len(glazier["b"]) == 3
        assert glazier["b"][0] == "new"
        ranks = {each["username"]: (each["a"], each["b"]) for each in organs["expected"]}
        assert ranks["expert-001"] == (organs["a"].index("expert-001") + 1, organs["b"].index("expert-001") + 1)
        assert ranks["expert-001"][1] == 1 < ranks["expert-001"][0]

    @pytest.mark.usefixtures("two")
    def test_the_totals_are_those_of_all_queries(self, viewer):
        result = viewer.get(API, {"a": 1, "b": 2}).json()
        scores = [fmean(query[f"score_{side}"] for query in result["queries"]) for side in ("a", "b")]
        assert scores[0] < scores[1] < 1
        assert result["totals"]["a"] == {"found": 2, "missing": 1, "unwanted": 0, "broken": 1, "score": scores[0]}
        assert result["totals"]["b"] == {"found": 3, "missing": 0, "unwanted": 0, "broken": 0, "score": scores[1]}
        overlaps = [query["overlap"] for query in result["queries"]]
        assert result["totals"]["overlap"] == pytest.approx(sum(overlaps) / 2)

    @pytest.mark.usefixtures("two")
    def test_a_bad_result_in_the_top_ten_fails_the_test(self, viewer):
        SearchTest.objects.get(text="glazier case").unwanted.set(Expert.objects.filter(username="new"))
        SearchTest.objects.get(text="glazier case").expected.clear()
        result = viewer.get(API, {"a": 1, "b": 2}).json()
        glazier = result["queries"][1]
        assert glazier["unwanted"] == [{"username": "new", "a": None, "b": 1}]
        assert (glazier["score_a"], glazier["score_b"]) == (None, None)
        totals = [result["totals"][side] for side in ("a", "b")]
        assert [(each["unwanted"], each["broken"], each["found"]) for each in totals] == [(0, 0, 2), (1, 1, 2)]
        page = html(viewer.get(PAGE, {"a": 1, "b": 2}))
        assert "should not be in the top 10" in page
        assert page.count("verdict-breach") == 1

    @pytest.mark.usefixtures("two")
    def test_experts_are_linked_to_their_pages_where_an_address_can_have_the_username(self, viewer):
        Expert.objects.filter(username="expert-002").update(username="a/b")
        page = html(viewer.get(PAGE, {"a": 1, "b": 2}))
        assert re.search(r'<a href="/experts/new/"> ?<bdi>new</bdi></a>', page)
        assert "<bdi>a/b</bdi>" in page
        assert 'href="/experts/a' not in page

    @pytest.mark.usefixtures("two")
    def test_the_page_shows_the_same_as_the_api(self, viewer):
        result = viewer.get(API, {"a": 1, "b": 2}).json()
        response = viewer.get(PAGE, {"a": 1, "b": 2})
        page = html(response)
        link = next(
            each
            for each in parse_html(response.content.decode()).walk()
            if each.tag == "a" and each.text == "View as JSON"
        )
        assert viewer.get(link.attributes["href"]).json() == result
        assert page.count("verdict-breach") == 1
        assert re.search(r"expected experts found</dt> <dd> 2 of 3 → 3 of 3 <", page)
        assert "tests that fail</dt> <dd>1 → 0</dd>" in page
        assert "/admin/index/lab/?with=1&amp;version=2&amp;q=glazier%20case" in page

    @pytest.mark.usefixtures("two")
    def test_a_version_against_itself_is_all_the_same(self, viewer):
        result = viewer.get(API, {"a": 2, "b": 2}).json()
        assert result["totals"]["overlap"] == 1.0
        assert result["totals"]["a"] == result["totals"]["b"]

    @pytest.mark.usefixtures("two")
    def test_only_active_queries_and_active_experts_count(self, viewer):
        SearchTest.objects.filter(text="glazier case").update(is_active=False)
        Expert.objects.filter(username="expert-002").update(is_active=False)
        (query,) = viewer.get(API, {"a": 1, "b": 2}).json()["queries"]
        assert [each["username"] for each in query["expected"]] == ["expert-001"]

    @pytest.mark.usefixtures("two")
    def test_the_expected_experts_of_many_queries_are_read_at_once(self, django_assert_max_num_queries):
        version = IndexVersion.objects.get(pk=2)
        open_versions.open_version(version)
        for number in range(10):
            SearchTest.objects.create(text=f"bread {number}").expected.set(Expert.objects.all()[:3])
        with django_assert_max_num_queries(12 + 3):  # the cards of twelve queries, the tests and their experts
            search_tests.compare_versions(version, version)


class TestListing:
    def test_programs_read_all_tests_with_their_experts(self, viewer):
        good, bad = cast.experts(2)
        test = SearchTest.objects.create(text="bread", k=3, is_active=False)
        test.expected.add(good)
        test.unwanted.add(bad)
        without = SearchTest.objects.create(text="an empty one")
        empty, bread = viewer.get("/api/admin/search-tests").json()["tests"]
        assert empty == {
            "id": without.pk,
            "query": "an empty one",
            "k": 10,
            "expected": [],
            "unwanted": [],
            "active": True,
        }
        assert bread == {
            "id": test.pk,
            "query": "bread",
            "k": 3,
            "expected": [good.username],
            "unwanted": [bad.username],
            "active": False,
        }


class TestRefusals:
    @pytest.mark.usefixtures("two")
    @pytest.mark.parametrize("parameters", [{"a": 1, "b": 9}, {"a": 9, "b": 1}])
    def test_a_missing_version_is_named(self, viewer, parameters):
        assert "Version 9 is not on disk" in viewer.get(API, parameters).json()["detail"]
        answer = viewer.get(PAGE, parameters)
        assert answer.status_code == 404
        assert "Version 9 is not on disk" in html(answer)

    @pytest.mark.usefixtures("two")
    def test_a_version_of_another_model_is_not_half_compared(self, viewer, settings):
        settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
        encoders.reset()
        assert viewer.get(API, {"a": 1, "b": 2}).status_code == 503
        answer = viewer.get(PAGE, {"a": 1, "b": 2})
        assert answer.status_code == 503
        assert "was built with the model" in html(answer)

    def test_without_versions_or_queries_the_page_says_so(self, viewer):
        assert "There is no version to search yet" in html(viewer.get(PAGE))
        version_cast.two_versions()
        assert "No search tests yet" in html(viewer.get(PAGE, {"a": 1, "b": 2}))

    def test_it_needs_the_permission_to_see_the_index(self, client):
        client.force_login(cast.staff())
        assert client.get(PAGE).status_code == 403
        assert client.get(API, {"a": 1, "b": 2}).status_code == 403


class TestSaving:
    @pytest.fixture
    def editor(self, client):
        client.force_login(cast.staff("indexing.view", "indexing.add_searchtest", username="ed"))
        return client

    def test_a_query_is_saved_with_the_ticked_experts_and_logged(self, editor):
        first, second, _other = cast.experts(3)
        ticked = [first.pk, second.pk, first.pk]  # one of them in both columns
        sent = {"q": "bread", "k": "5", "expected": ticked, "address": "q=bread&version=2"}
        answer = editor.post(SAVE, sent)
        assert answer.url == "/admin/index/lab/?q=bread&version=2"
        saved = SearchTest.objects.get()
        assert (saved.text, saved.k) == ("bread", 5)
        assert set(saved.expected.all()) == {first, second}
        assert LogEntry.objects.get().object_id == str(saved.pk)

    @pytest.mark.services  # PostgreSQL accepts no NUL
    @pytest.mark.parametrize(
        "wrong",
        [
            {"q": ""},
            {"q": "bre\0ad"},
            {"k": "0"},
            {"k": "x"},
            {"expected": ["9" * 30]},
            {"expected": ["x"]},
            {"q": "x" * 501},
        ],
    )
    def test_invalid_input_is_reported_and_nothing_is_saved(self, editor, wrong):
        answer = editor.post(SAVE, {"q": "bread", "k": "5", "address": "q=bread"} | wrong)
        assert answer.status_code == 302
        assert [message.level_tag for message in get_messages(answer.wsgi_request)] == ["error"]
        assert not SearchTest.objects.exists()

    def test_the_marks_of_shown_results_replace_those_before_and_others_stay(self, editor, client):
        shown, other, hidden, gone = cast.experts(4)
        Expert.objects.filter(pk=gone.pk).update(is_active=False)
        test = SearchTest.objects.create(text="bread", k=7)
        test.expected.set([shown, hidden, gone])
        sent = {
            "q": " bread ",
            "k": "5",
            "shown": [shown.pk, other.pk],
            "expected": [other.pk],
            "unwanted": [shown.pk],
        }
        assert editor.post(SAVE, sent).status_code == 403
        assert list(test.unwanted.all()) == []
        client.force_login(cast.staff("indexing.view", "indexing.change_searchtest", username="cy"))
        assert client.post(SAVE, sent).status_code == 302
        saved = SearchTest.objects.get()
        assert saved.k == 5
        assert set(saved.expected.all()) == {hidden, other, gone}
        assert list(saved.unwanted.all()) == [shown]
        assert client.post(SAVE, sent | {"q": "another"}).status_code == 403

    def test_nobody_is_good_and_bad_at_once(self, editor):
        expert = cast.experts(1)[0]
        answer = editor.post(SAVE, {"q": "bread", "k": "5", "expected": [expert.pk], "unwanted": [expert.pk]})
        assert "choose either expected or not expected" in str(list(get_messages(answer.wsgi_request))[0])
        assert not SearchTest.objects.exists()

    def test_the_lab_shows_what_is_marked_already(self, client):
        version_cast.two_versions()
        client.force_login(cast.staff("indexing.view", "indexing.change_searchtest", username="cy"))
        assert 'name="unwanted"' not in html(client.get(LAB, {"q": "glazier", "version": 2}))
        test = SearchTest.objects.create(text="glazier", k=3)
        test.unwanted.set(Expert.objects.filter(username="new"))
        page = html(client.get(LAB, {"q": "glazier", "version": 2, "with": "none"}))
        assert len(re.findall(r'name="unwanted"[^>]* checked', page)) == 1
        assert not re.search(r'name="expected"[^>]* checked', page)
        assert "Update the search test" in page

    def test_the_redirect_leads_back_to_the_lab_and_nowhere_else(self, editor):
        answer = editor.post(SAVE, {"q": "bread", "k": "5", "address": "//evil.example\r\nX: y"})
        assert answer.url.startswith("/admin/index/lab/?")
        assert "\n" not in answer.url

    def test_the_lab_offers_it_only_with_the_permission(self, editor, client):
        version_cast.two_versions()
        parameters = {"q": "bread", "version": 2}
        page = html(editor.get("/admin/index/lab/", parameters))
        assert 'name="expected"' in page
        assert f'action="{SAVE}"' in page
        client.force_login(cast.staff("indexing.view"))
        assert 'name="expected"' not in html(client.get("/admin/index/lab/", parameters))
        assert client.post(SAVE, {"q": "bread", "k": "5"}).status_code == 403
