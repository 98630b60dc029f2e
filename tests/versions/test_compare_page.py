"""Any two versions side by side: who was gained, lost and changed, by name; which search tests moved."""

from __future__ import annotations

import shutil

import pytest

from experts.models import Expert
from indexing.lib import paths
from indexing.models import IndexVersion, SearchTest
from indexing.versions import diff as version_diff
from indexing.versions.opening import open_baseline
from tests.support import cast, version_cast

pytestmark = pytest.mark.django_db(transaction=True)

COMPARE = "/admin/index/versions/compare/"


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", "experts.view_expert", username="vi"))
    return client


def html(response) -> str:
    return " ".join(response.content.decode().replace("<bdi>", "").replace("</bdi>", "").split())


def three_versions() -> dict[str, int]:
    """Version 1 of eight; in 2 one came and one changed in two fields; in 3 one was deleted, one deactivated and one
    changed in another field. All three can be compared; ids by username."""
    people = {expert.username: expert.pk for expert in cast.experts(8)}
    cast.rebuild()
    Expert.objects.filter(username="expert-001").update(bio="Now restores church organs.", category="Culture")
    people["nora"] = Expert.objects.create(username="nora", first_name="Nora", last_name="Aaronson").pk
    cast.rebuild()
    Expert.objects.filter(username="expert-002").delete()
    Expert.objects.filter(username="expert-003").update(is_active=False)
    Expert.objects.filter(username="expert-004").update(currency="CHF", hourly_rate=140)
    cast.rebuild()
    return people


def diff(a: int, b: int) -> version_diff.Diff:
    one, other = (IndexVersion.objects.get(pk=number) for number in (a, b))
    return version_diff.between(open_baseline(one), open_baseline(other))


def test_gained_lost_and_changed_experts_are_listed_with_their_fields(viewer, settings):
    settings.TCS_GATE_MAX_LOST = 0.5
    ids = three_versions()
    whole = diff(1, 3)
    assert whole.gained.tolist() == [ids["nora"]]
    assert whole.lost.tolist() == [ids["expert-002"], ids["expert-003"]]
    assert whole.changed.tolist() == [ids["expert-001"], ids["expert-004"]]
    assert whole.fields == {"bio": 1, "rate": 1, "currency": 1, "category": 1}
    assert whole.ids("changed", "rate").tolist() == [ids["expert-004"]]
    back = diff(3, 1)
    assert (back.gained.tolist(), back.lost.tolist()) == (whole.lost.tolist(), whole.gained.tolist())
    assert not whole.other_model

    page = html(viewer.get(COMPARE, {"from": 1, "to": 3, "list": "changed"}))
    assert "Version 1 has 8 experts, version 3 has 7" in page
    assert "<del>Finance</del>" in page
    assert "<ins>Culture</ins>" in page
    assert "<ins>140.00</ins>" in page
    assert 'href="/experts/expert-001/"' in page

    page = html(viewer.get(COMPARE, {"from": 1, "to": 3, "list": "lost"}))
    assert "Erin Number002" in page  # the directory has forgotten who that was, the version has not
    assert "deleted since" in page
    assert "inactive now" in page

    found = html(viewer.get(COMPARE, {"from": 1, "to": 3, "list": "lost", "q": "number002"}))
    assert "Number002" in found
    assert "Number003" not in found
    found = html(viewer.get(COMPARE, {"from": 1, "to": 3, "list": "changed", "field": "rate"}))
    assert "Number004" in found
    assert "Number001" not in found
    assert "No expert in this list matches" in html(viewer.get(COMPARE, {"from": 1, "to": 3, "q": "zzz"}))

    page = html(viewer.get(COMPARE, {"from": 2, "to": 3, "list": "gained"}))
    assert "No experts were added" in page
    # The fields are listed even if an older release built the version and stored no texts.
    bare = open_baseline(IndexVersion.objects.get(pk=1))
    object.__setattr__(bare, "profiles", None)
    old = version_diff.between(bare, open_baseline(IndexVersion.objects.get(pk=3)))
    (person,) = version_diff.people(old, "changed", [ids["expert-001"]])
    assert [(each.field, each.before) for each in person.changes] == [("bio", None), ("category", None)]
    (gone,) = version_diff.people(old, "lost", [ids["expert-002"]])
    assert gone.name == ""


def test_a_list_comes_in_pages_by_name(viewer):
    cast.experts(2)
    cast.rebuild()
    for number in range(30):
        Expert.objects.create(username=f"late-{number:02d}", last_name=f"Late{number:02d}", job_title="Glazier")
    cast.rebuild()
    page = html(viewer.get(COMPARE, {"from": 1, "to": 2}))
    assert "Late00" in page
    assert "Late25" not in page
    assert "from=1&amp;to=2&amp;list=gained&amp;page=2" in page
    assert "Late25" in html(viewer.get(COMPARE, {"from": 1, "to": 2, "page": 2}))


def test_search_tests_are_run_on_request_and_changed_ones_named(viewer):
    SearchTest.objects.create(text="church organs", k=3)
    version_cast.two_versions()
    quiet = html(viewer.get(COMPARE, {"from": 1, "to": 2}))
    assert "Compare 1 search test" in quiet
    page = html(viewer.get(COMPARE, {"from": 1, "to": 2, "queries": 1}))
    assert "1 of 1 search test has different results" in page
    assert "a=1&amp;b=2" in page
    same = html(viewer.get(COMPARE, {"from": 2, "to": 2}))
    assert "Choose two different versions" in same


def test_without_search_tests_it_says_how_to_get_some(viewer):
    version_cast.two_versions()
    assert "Save one in the Lab" in html(viewer.get(COMPARE))


class TestWhatCannotBeCompared:
    def test_nothing_built_and_one_version_say_what_to_do(self, viewer):
        assert "once there are two of them" in html(viewer.get(COMPARE))
        cast.experts(2)
        cast.rebuild()
        assert "once there are two of them" in html(viewer.get(COMPARE))

    def test_a_removed_and_an_unknown_version_are_named(self, viewer):
        version_cast.two_versions()
        IndexVersion.objects.create(number=9, state="deleted")
        answer = viewer.get(COMPARE, {"from": 9, "to": 2})
        assert answer.status_code == 404
        assert "Version 9 cannot be compared: it is deleted" in html(answer)
        answer = viewer.get(COMPARE, {"from": "<i>", "to": 2})
        assert answer.status_code == 404
        assert "There is no version &lt;i&gt;" in html(answer)

    def test_damaged_files_are_named_and_search_continues(self, viewer):
        version_cast.two_versions()
        shutil.rmtree(paths.version_folder(1))
        answer = viewer.get(COMPARE, {"from": 1, "to": 2})
        assert answer.status_code == 503
        assert "Search is not affected." in html(answer)

    @pytest.mark.parametrize("query", [{"list": "x", "page": "x", "field": "nope", "q": "\0"}, {"page": 10**30}])
    def test_odd_addresses_get_a_response(self, viewer, query):
        version_cast.two_versions()
        assert viewer.get(COMPARE, {"from": 1, "to": 2} | query).status_code == 200


def test_the_versions_page_and_a_version_link_to_it(viewer):
    version_cast.two_versions()
    assert 'action="/admin/index/versions/compare/"' in html(viewer.get("/admin/index/versions/"))
    assert f"{COMPARE}?from=1&amp;to=2" in html(viewer.get("/admin/index/versions/1/"))
