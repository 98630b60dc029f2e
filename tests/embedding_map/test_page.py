"""The map page, and the bytes that its script requests."""

from __future__ import annotations

import numpy as np
import pytest

from experts.models import Expert, ExpertTag, Tag
from indexing.embedding_map import colours
from indexing.lib import paths
from indexing.models import IndexVersion
from tests.support import cast, map_cast
from tests.support.html_reading import parse_html

PAGE = "/admin/index/map/"
POINTS, COLOURS, PEOPLE = f"{PAGE}points/", f"{PAGE}colours/", f"{PAGE}people/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def viewer(client):
    client.force_login(cast.staff("indexing.view"))


def expert(number: int) -> Expert:
    return Expert.objects.get(username=f"expert-{number:03d}")


def legend(client, by: str, version: int | None = None) -> dict[str, int]:
    """Label to count, from the page as it is without JavaScript."""
    address = f"{PAGE}?colour={by}" + (f"&version={version}" if version else "")
    page = parse_html(client.get(address).content.decode())
    lines = [each for each in page.walk() if each.attributes.get("class") == "map-class"]
    texts = [[each.text for each in line.children if each.tag == "span" and each.text] for line in lines]
    return {name: int(count) for name, count in texts}


def classes(client, by: str) -> list[int]:
    answer = client.get(COLOURS, {"by": by})
    assert answer.status_code == 200, answer.content
    return map_cast.classes(answer.content)


class TestPoints:
    def test_they_are_where_the_map_has_them(self, client):
        number = map_cast.mapped(5)
        positions = map_cast.draw(number, 5)
        sent = map_cast.points(client.get(POINTS).content)
        assert sent.version == number
        assert sent.ids == list(Expert.objects.order_by("pk").values_list("pk", flat=True))
        assert np.array_equal(sent.positions, positions)

    def test_a_browser_that_has_the_points_gets_a_304_until_the_map_changes(self, client):
        number = map_cast.mapped(4)
        first = client.get(POINTS)
        assert first["Cache-Control"] == "private, no-cache"
        again = client.get(POINTS, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        np.save(paths.map_file(number), np.zeros((4, 2), np.float32))
        assert client.get(POINTS, headers={"If-None-Match": first["ETag"]}).status_code == 200

    def test_an_earlier_version_has_its_own(self, client):
        first = map_cast.mapped(4)
        Expert.objects.create(username="new")
        map_cast.mapped_again()
        assert len(map_cast.points(client.get(POINTS).content).ids) == 5
        assert len(map_cast.points(client.get(POINTS, {"version": first}).content).ids) == 4

    @pytest.mark.parametrize("state", ["none", "computing"])
    @pytest.mark.parametrize("address", [POINTS, COLOURS])
    def test_they_report_that_the_map_is_being_computed(self, client, address, state):
        map_cast.mapped(4)
        IndexVersion.objects.update(map_state=state, map_progress=0.5)
        answer = client.get(address)
        assert (answer.status_code, answer.json()) == (202, {"status": "computing", "progress": 0.5})

    @pytest.mark.parametrize("version", ["99", "abc", "-1", "9" * 40])
    @pytest.mark.parametrize("address", [POINTS, COLOURS])
    def test_a_version_that_is_not_there_is_not_found(self, client, address, version):
        map_cast.mapped(4)
        answer = client.get(address, {"version": version})
        assert answer.status_code == 404
        assert answer.json()["detail"]

    @pytest.mark.parametrize(
        "damage",
        [
            lambda file: file.unlink(),
            lambda file: file.write_bytes(b"no"),
            lambda file: np.save(file, np.zeros((3, 2), np.float32)),
        ],
    )
    def test_an_unreadable_map_does_not_fail_the_request(self, client, damage):
        damage(paths.map_file(map_cast.mapped(4)))
        assert client.get(POINTS).status_code == 202
        assert client.get(PAGE).status_code == 200


class TestColours:
    def test_deactivated_and_deleted_experts_leave_the_map_and_return(self, client):
        map_cast.mapped(4)
        assert 0 not in classes(client, "category")
        Expert.objects.filter(username="expert-002").deactivate()
        expert(4).delete()
        assert [number == 0 for number in classes(client, "category")] == [False, True, False, True]
        assert "2 experts were deleted or deactivated since" in client.get(PAGE).content.decode()
        Expert.objects.filter(username="expert-002").activate()
        assert classes(client, "category").count(0) == 1

    def test_the_largest_category_comes_first_and_those_without_one_last(self, client):
        map_cast.mapped(5)
        Expert.objects.filter(username="expert-005").update(category="")
        assert legend(client, "category") == {"Craft": 2, "Finance": 2, "No category": 1}
        found = classes(client, "category")
        assert found[1] == found[3] == 1
        assert found[0] == found[2] == 2

    def test_too_many_categories_share_a_colour(self, client):
        map_cast.mapped(colours.COLOURED + 3)
        for each in Expert.objects.all():
            Expert.objects.filter(pk=each.pk).update(category=each.username)
        found = legend(client, "category")
        assert len(found) == colours.COLOURED + 1
        assert found["Other categories"] == 3

    def test_the_manual_industry_counts_or_else_the_one_with_the_best_score(self, client):
        map_cast.mapped(3)
        ExpertTag.objects.all().delete()
        one, other = Tag.objects.filter(kind=Tag.Kind.INDUSTRY)[:2]
        for number, tag, source, score in (
            (1, one, "auto", 0.4),
            (1, other, "auto", 0.6),
            (2, one, "auto", 0.9),
            (2, other, "manual", None),
        ):
            ExpertTag.objects.create(expert=expert(number), tag=tag, source=source, score=score)
        assert legend(client, "industry") == {other.name: 2, "No industry": 1}

    def test_a_tag_shows_who_has_it_manually(self, client):
        map_cast.mapped(4)
        ExpertTag.objects.all().delete()
        tag = Tag.objects.all()[0]
        ExpertTag.objects.create(expert=expert(1), tag=tag)
        ExpertTag.objects.create(expert=expert(3), tag=tag, source="auto", score=0.5)
        Expert.objects.filter(username="expert-003").deactivate()
        assert legend(client, f"tag:{tag.pk}") == {
            "added manually": 1,
            "added automatically": 0,
            "without this tag": 2,
        }
        assert classes(client, f"tag:{tag.pk}") == [1, 3, 0, 3]

    def test_findability_has_three_levels(self, client):
        map_cast.mapped(2)
        Expert.objects.filter(username="expert-001").update(bio="x" * 300)
        ExpertTag.objects.all().delete()
        assert legend(client, "findability") == {"high, from 70": 0, "medium, 40 to 69": 1, "low, below 40": 1}
        assert classes(client, "findability") == [2, 1]

    def test_experts_added_since_an_earlier_version(self, client):
        first = map_cast.mapped(3)
        Expert.objects.create(username="new", job_title="Glazier")
        map_cast.mapped_again()
        assert legend(client, f"since:{first}") == {"new": 1, "already there": 3}
        assert classes(client, f"since:{first}") == [2, 2, 2, 1]

    @pytest.mark.parametrize(
        "by",
        [
            "nothing",
            "tag:",
            "tag:abc",
            "tag:999999",
            "tag:" + "9" * 30,
            "since:",
            "since:x",
            "since:99",
            "since:-1",
            "category'--",
            "<b>",
        ],
    )
    def test_an_unknown_colouring_is_reported_and_the_page_shows_categories(self, client, by):
        map_cast.mapped(3)
        answer = client.get(COLOURS, {"by": by})
        assert answer.status_code == 400
        assert "cannot be coloured" in answer.json()["detail"]
        page = client.get(PAGE, {"colour": by})
        assert page.status_code == 400
        assert "cannot be coloured" in page.content.decode()
        assert 'data-by="category"' in page.content.decode()

    def test_htmx_gets_the_legend_alone(self, client):
        map_cast.mapped(3)
        fragment = client.get(
            PAGE, {"colour": "findability"}, headers={"HX-Request": "true", "HX-Target": "map-legend"}
        ).content.decode()
        assert 'data-by="findability"' in fragment
        assert "<html" not in fragment


class TestPeople:
    def test_names_and_titles_of_active_experts(self, client):
        map_cast.mapped(3)
        Expert.objects.filter(username="expert-002").deactivate()
        ids = [expert(number).pk for number in (1, 2)]
        (found,) = client.get(PEOPLE, {"ids": ",".join(map(str, ids))}).json()["people"]
        assert (found["id"], found["name"], found["title"]) == (ids[0], "Erin Number001", expert(1).job_title)
        assert found["url"] == expert(1).get_absolute_url()

    @pytest.mark.parametrize("ids", ["", "abc", ",,,", "-1", "9" * 50, "1;drop"])
    def test_an_invalid_id_is_ignored(self, client, ids):
        assert client.get(PEOPLE, {"ids": ids}).json() == {"people": []}

    def test_no_more_than_a_page_needs_at_once(self, client, django_assert_max_num_queries):
        ids = ",".join(map(str, range(1, 100_000)))
        with django_assert_max_num_queries(5):
            assert client.get(PEOPLE, {"ids": ids}).status_code == 200


class TestPage:
    def test_before_the_first_version_it_leads_to_the_index(self, client):
        page = client.get(PAGE)
        assert page.status_code == 200
        assert "Build the index" in page.content.decode()

    @pytest.mark.parametrize(
        ("state", "says"), [("computing", "is being computed"), ("none", "is being computed"), ("failed", "failed")]
    )
    def test_without_a_map_it_says_why_and_that_search_goes_on(self, client, state, says):
        map_cast.mapped(3)
        IndexVersion.objects.update(map_state=state)
        page = client.get(PAGE).content.decode()
        assert says in page
        assert "earch is not affected" in page

    def test_while_it_is_computed_the_page_says_how_far_it_is_and_asks_again(self, client):
        map_cast.mapped(3)
        IndexVersion.objects.update(map_state="computing", map_progress=0.42)
        page = client.get(PAGE).content.decode()
        assert 'value="42"' in page
        assert 'hx-trigger="every 3s"' in page
        IndexVersion.objects.update(map_state="done")
        asked_again = client.get(PAGE, headers={"HX-Request": "true", "HX-Target": "map-progress"})
        assert asked_again["HX-Refresh"] == "true"

    @pytest.mark.parametrize("version", ["99", "abc", "-1", "0", "9" * 40])
    def test_a_version_that_is_not_there_is_not_found(self, client, version):
        map_cast.mapped(3)
        assert client.get(PAGE, {"version": version}).status_code == 404

    def test_a_removed_version_is_not_found(self, client):
        number = map_cast.mapped(3)
        IndexVersion.objects.update(state=IndexVersion.State.DELETED)
        assert client.get(PAGE, {"version": number}).status_code == 404
