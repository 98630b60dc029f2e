"""Saved queries: saved from the Lab, and run on two versions, as a table and as JSON."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages

from experts.models import Expert
from indexing import encoders
from indexing.models import IndexVersion, SavedQuery
from indexing.quality import saved_queries
from indexing.serving import open_versions
from tests.support import cast, version_cast
from tests.support.html_reading import html, parse_html

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/index/lab/saved-queries/"
API = "/api/admin/lab/saved-queries"
SAVE = "/admin/index/lab/save/"


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", username="vi"))
    return client


@pytest.fixture
def two() -> None:
    """Version 1 has no glazier, version 2 does. A second query expects experts that both versions find."""
    version_cast.two_versions()
    query = SavedQuery.objects.create(text="glazier", k=3)
    query.expected.set(Expert.objects.filter(username="new"))
    other = SavedQuery.objects.create(text="church organs bread", k=20)
    other.expected.set(Expert.objects.filter(username__in=["expert-001", "expert-002"]))


class TestRunning:
    @pytest.mark.usefixtures("two")
    def test_each_query_gives_the_ranks_of_its_expected_experts_in_each_version(self, viewer):
        result = viewer.get(API, {"a": 1, "b": 2}).json()
        organs, glazier = result["queries"]
        assert glazier["query"] == "glazier"
        assert glazier["expected"] == [{"username": "new", "a": None, "b": 1}]
        assert len(glazier["a"]) == len(glazier["b"]) == 3
        assert glazier["b"][0] == "new"
        ranks = {each["username"]: (each["a"], each["b"]) for each in organs["expected"]}
        assert ranks["expert-001"] == (organs["a"].index("expert-001") + 1, organs["b"].index("expert-001") + 1)
        assert ranks["expert-001"][1] == 1 < ranks["expert-001"][0]

    @pytest.mark.usefixtures("two")
    def test_the_totals_are_those_of_all_queries(self, viewer):
        result = viewer.get(API, {"a": 1, "b": 2}).json()
        assert result["totals"]["a"] == {"found": 2, "missing": 1, "broken": 1}
        assert result["totals"]["b"] == {"found": 3, "missing": 0, "broken": 0}
        overlaps = [query["overlap"] for query in result["queries"]]
        assert result["totals"]["overlap"] == pytest.approx(sum(overlaps) / 2)

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
        assert "found by version 1</dt> <dd> 2 of 3 <" in page
        assert "found by version 2</dt> <dd> 3 of 3 <" in page
        assert "/admin/index/lab/?q=glazier&amp;with=1&amp;version=2" in page

    @pytest.mark.usefixtures("two")
    def test_a_version_against_itself_is_all_the_same(self, viewer):
        result = viewer.get(API, {"a": 2, "b": 2}).json()
        assert result["totals"]["overlap"] == 1.0
        assert result["totals"]["a"] == result["totals"]["b"]

    @pytest.mark.usefixtures("two")
    def test_only_active_queries_and_active_experts_count(self, viewer):
        SavedQuery.objects.filter(text="glazier").update(is_active=False)
        Expert.objects.filter(username="expert-002").update(is_active=False)
        (query,) = viewer.get(API, {"a": 1, "b": 2}).json()["queries"]
        assert [each["username"] for each in query["expected"]] == ["expert-001"]

    @pytest.mark.usefixtures("two")
    def test_the_expected_experts_of_many_queries_are_read_at_once(self, django_assert_max_num_queries):
        version = IndexVersion.objects.get(pk=2)
        open_versions.open_version(version)
        for number in range(10):
            SavedQuery.objects.create(text=f"bread {number}").expected.set(Expert.objects.all()[:3])
        with django_assert_max_num_queries(12 + 2):  # the cards of twelve queries, and twice for the saved ones
            saved_queries.compare_versions(version, version)


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
        assert "No saved queries yet" in html(viewer.get(PAGE, {"a": 1, "b": 2}))

    def test_it_needs_the_permission_to_see_the_index(self, client):
        client.force_login(cast.staff())
        assert client.get(PAGE).status_code == 403
        assert client.get(API, {"a": 1, "b": 2}).status_code == 403


class TestSaving:
    @pytest.fixture
    def editor(self, client):
        client.force_login(cast.staff("indexing.view", "indexing.add_savedquery", username="ed"))
        return client

    def test_a_query_is_saved_with_the_ticked_experts_and_logged(self, editor):
        first, second, _other = cast.experts(3)
        ticked = [first.pk, second.pk, first.pk]  # one of them in both columns
        sent = {"q": "bread", "k": "5", "expected": ticked, "address": "q=bread&version=2"}
        answer = editor.post(SAVE, sent)
        assert answer.url == "/admin/index/lab/?q=bread&version=2"
        saved = SavedQuery.objects.get()
        assert (saved.text, saved.k) == ("bread", 5)
        assert set(saved.expected.all()) == {first, second}
        assert LogEntry.objects.get().object_id == str(saved.pk)

    @pytest.mark.parametrize(
        "wrong", [{"q": ""}, {"k": "0"}, {"k": "x"}, {"expected": ["9" * 30]}, {"expected": ["x"]}, {"q": "x" * 501}]
    )
    def test_invalid_input_is_reported_and_nothing_is_saved(self, editor, wrong):
        answer = editor.post(SAVE, {"q": "bread", "k": "5", "address": "q=bread"} | wrong)
        assert answer.status_code == 302
        assert [message.level_tag for message in get_messages(answer.wsgi_request)] == ["error"]
        assert not SavedQuery.objects.exists()

    def test_the_same_words_are_not_saved_twice(self, editor):
        SavedQuery.objects.create(text="bread", k=7)
        answer = editor.post(SAVE, {"q": "bread", "k": "5"})
        assert "Already saved" in str(list(get_messages(answer.wsgi_request))[0])
        assert SavedQuery.objects.get().k == 7

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
