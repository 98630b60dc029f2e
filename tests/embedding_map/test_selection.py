"""Experts selected on the map or in its table are listed and tagged together, with every change in the history."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.messages import get_messages
from django.utils import timezone

from experts.models import Expert, ExpertTag, Tag
from experts.tagging.manual import BATCH, TaggingResult, add_manual_tag
from indexing.console.map import selection_views
from indexing.embedding_map import area_names
from indexing.embedding_map.area_names import NamedArea
from indexing.embedding_map.areas import Area
from tests.support import cast, map_cast
from tests.support.html_reading import blocked_by_csp, parse_html

PAGE = "/admin/index/map/"
SELECTION, TAG = f"{PAGE}selection/", f"{PAGE}tag/"
HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client):
    """May see the map and tag experts."""
    user = cast.staff("indexing.view", "experts.view_expert", "experts.add_experttag", username="edith")
    client.force_login(user)
    return user


def expert(number: int) -> Expert:
    return Expert.objects.get(username=f"expert-{number:03d}")


def held(tag: Tag) -> dict[str, str]:
    return dict(ExpertTag.objects.filter(tag=tag).values_list("expert__username", "source"))


class TestTagByHand:
    @pytest.fixture
    def tag(self) -> Tag:
        return Tag.objects.all()[0]

    def test_it_is_added_kept_or_there_already(self, tag):
        user = cast.staff()
        one, two, three = cast.experts(3)
        ExpertTag.objects.create(expert=two, tag=tag, source="auto", score=0.5)
        ExpertTag.objects.create(expert=three, tag=tag)
        done = add_manual_tag([one.pk, two.pk, three.pk, two.pk, 10**6], tag, user)
        assert done == TaggingResult(added=1, made_manual=1, already=1, deleted=1)
        assert held(tag) == dict.fromkeys(["expert-001", "expert-002", "expert-003"], "manual")
        assert ExpertTag.objects.get(expert=two, tag=tag).score is None

    def test_each_change_is_in_the_experts_history_and_nothing_else(self, tag):
        user = cast.staff()
        one, two, three = cast.experts(3)
        ExpertTag.objects.create(expert=two, tag=tag, source="auto", score=0.5)
        ExpertTag.objects.create(expert=three, tag=tag)
        add_manual_tag([one.pk, two.pk, three.pk], tag, user)
        entries = {entry.object_id: entry for entry in LogEntry.objects.all()}
        assert set(entries) == {str(one.pk), str(two.pk)}
        assert {(entry.user_id, entry.action_flag) for entry in entries.values()} == {(user.pk, CHANGE)}
        assert entries[str(one.pk)].get_change_message() == f"Added tag of an expert “{tag}”."
        assert json.loads(entries[str(two.pk)].change_message)[0]["changed"]["fields"] == ["source"]

    def test_whoever_is_changed_counts_as_changed_now(self, tag):
        one, two = cast.experts(2)
        ExpertTag.objects.create(expert=two, tag=tag)
        began = timezone.now()
        add_manual_tag([one.pk, two.pk], tag, cast.staff())
        assert expert(1).updated_at >= began > expert(2).updated_at

    def test_more_than_a_statement_takes(self, tag, django_assert_max_num_queries):
        ids = [each.pk for each in Expert.objects.bulk_create(Expert(username=f"e{n}") for n in range(2 * BATCH + 1))]
        with django_assert_max_num_queries(40):
            assert add_manual_tag(ids, tag, cast.staff()).added == len(ids)
        assert LogEntry.objects.count() == len(ids)

    def test_a_deleted_tag_changes_nothing(self, tag):
        (one,) = cast.experts(1)
        Tag.objects.filter(pk=tag.pk).delete()
        with pytest.raises(Tag.DoesNotExist):
            add_manual_tag([one.pk], tag, cast.staff())
        assert not LogEntry.objects.exists()


class TestTagging:
    def test_from_the_table_without_javascript(self, client, editor):
        map_cast.mapped(3)
        tag = Tag.objects.all()[0]
        ids = [expert(number).pk for number in (1, 3)]
        answer = client.post(TAG, {"expert": ids, "tag": tag.pk, "back": f"{PAGE}?find=x"})
        assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}?find=x")
        (said,) = map(str, get_messages(answer.wsgi_request))
        assert said.startswith(f"Added “{tag}” to 2 experts manually.")
        assert "The changes to 2 experts become searchable with the next rebuild." in said
        assert held(tag) == {"expert-001": "manual", "expert-003": "manual"}

    def test_from_the_map_with_a_notice(self, client, editor):
        map_cast.mapped(3)
        tag = Tag.objects.all()[0]
        ids = ",".join(str(expert(number).pk) for number in (1, 2))
        answer = client.post(TAG, {"ids": ids, "tag": tag.pk}, headers=HTMX)
        assert answer.status_code == 200
        assert f"Added “{tag}” to 2 experts manually." in answer.content.decode()
        assert '<span class="what-follows">' in answer.content.decode()
        assert len(held(tag)) == 2

    @pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:x()", ""])
    def test_the_redirect_never_leaves_the_site(self, client, editor, back):
        (one,) = cast.experts(1)
        answer = client.post(TAG, {"expert": one.pk, "tag": Tag.objects.all()[0].pk, "back": back})
        assert answer["Location"] == PAGE

    @pytest.mark.parametrize(
        ("sent", "says"),
        [
            ({"ids": "1"}, "Choose a tag"),
            ({"ids": "1", "tag": "x"}, "Choose a tag"),
            ({"ids": "1", "tag": "999999"}, "Choose a tag"),
            ({"tag": "1"}, "Nobody is selected"),
            ({"ids": "a,,-1,;", "tag": "1"}, "Nobody is selected"),
        ],
    )
    def test_what_is_missing_is_reported(self, client, editor, sent, says):
        answer = client.post(TAG, sent, headers=HTMX)
        assert answer.status_code == 422
        assert says in answer.content.decode()
        assert client.post(TAG, sent).status_code == 302
        assert not ExpertTag.objects.exists()

    def test_too_many_are_refused_whole(self, client, editor, monkeypatch):
        monkeypatch.setattr(selection_views, "AT_ONCE", 2)
        cast.experts(3)
        ids = ",".join(str(pk) for pk in Expert.objects.values_list("pk", flat=True))
        answer = client.post(TAG, {"ids": ids, "tag": Tag.objects.all()[0].pk}, headers=HTMX)
        assert answer.status_code == 422
        assert "At most 2" in answer.content.decode()
        assert not ExpertTag.objects.exists()

    def test_without_the_permission_there_is_no_form_and_tagging_is_refused(self, client):
        client.force_login(cast.staff("indexing.view"))
        map_cast.mapped(2)
        assert TAG not in [
            each.attributes.get("hx-post") for each in parse_html(client.get(PAGE).content.decode()).walk()
        ]
        assert 'name="expert"' not in client.get(PAGE).content.decode()
        assert "tag" not in client.post(SELECTION, {"ids": str(expert(1).pk)}).content.decode()
        assert client.post(TAG, {"expert": expert(1).pk, "tag": 1}).status_code == 403


class TestSelection:
    def test_those_selected_are_listed_by_name(self, client, editor):
        map_cast.mapped(4)
        Expert.objects.filter(username="expert-003").deactivate()
        ids = [expert(number).pk for number in (3, 2, 1)]
        page = client.post(SELECTION, {"ids": ",".join(map(str, ids)), "total": "3"}).content.decode()
        listed = [each for each in parse_html(page).walk() if each.tag == "li"]
        assert [each.attributes["data-expert"] for each in listed] == [str(ids[2]), str(ids[1])]
        assert f'href="{expert(1).get_absolute_url()}"' in page
        assert page.count('class="star"') == 2

    def test_of_very_many_the_first_are_listed_and_all_are_counted(self, client, editor, monkeypatch):
        monkeypatch.setattr(selection_views, "LISTED", 2)
        map_cast.mapped(5)
        ids = ",".join(str(pk) for pk in Expert.objects.values_list("pk", flat=True))
        page = client.post(SELECTION, {"ids": ids, "total": "20000"}).content.decode()
        assert page.count("<li") == 2
        assert "20,000 selected" in page
        assert "and 3 more" in page
        assert "At most 10,000" in page

    @pytest.mark.parametrize("ids", ["", "abc", "-1,,;", "9" * 400])
    def test_an_invalid_id_is_ignored(self, client, editor, ids):
        answer = client.post(SELECTION, {"ids": ids, "total": "x"})
        assert answer.status_code == 200
        assert "<li" not in answer.content.decode()


class TestTable:
    @pytest.fixture(autouse=True)
    def areas(self, monkeypatch, editor):
        """Two named areas: left of 0 and right of it."""
        named = (NamedArea(Area(-1, 0, 1, 2), "Left"), NamedArea(Area(1, 0, 2, 2), "Right"))
        monkeypatch.setattr(area_names, "areas_of", lambda version: named)

    @pytest.fixture
    def number(self) -> int:
        number = map_cast.mapped(4)
        map_cast.put(number, np.array([[-2, 0], [-1, 1], [2, 0], [1, 1]], np.float32))
        return number

    def names(self, client, **asked: object) -> list[str]:
        page = parse_html(client.get(PAGE, asked).content.decode())
        return [each.text.strip() for each in page.walk() if each.tag == "th" and "data-label" in each.attributes]

    def test_everybody_on_the_map_is_in_it_with_their_area(self, client, number):
        Expert.objects.create(username="new", last_name="Aa")  # since the version: not on the map
        Expert.objects.filter(username="expert-002").deactivate()
        assert self.names(client) == ["Erin Number001", "Erin Number003", "Erin Number004"]
        assert client.get(PAGE).content.decode().count("<bdi>Right</bdi>") == 2

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"find": "number003"}, [3]),
            ({"find": "erin company 2"}, [2]),
            ({"find": "nobody"}, []),
            ({"find": "%"}, []),
            ({"area": 1}, [1, 2]),
            ({"area": 2}, [3, 4]),
            ({"area": "x"}, [1, 2, 3, 4]),
            ({"category": "Finance"}, [1, 3]),
            ({"category": "Finance", "area": 2}, [3]),
            ({"page": "99"}, [1, 2, 3, 4]),
        ],
    )
    def test_it_is_narrowed(self, client, number, asked, found):
        assert self.names(client, **asked) == [f"Erin Number{each:03d}" for each in found]

    def test_htmx_gets_the_table_alone(self, client, number):
        headers = HTMX | {"HX-Target": "map-table"}
        page = client.get(PAGE, {"find": "number003"}, headers=headers).content.decode()
        assert "Number003" in page
        assert "<html" not in page
        assert "map-class" not in page

    def test_what_others_wrote_is_text_and_no_markup(self, client, number):
        hostile = "<b onclick='x()'>\u202ex"
        Expert.objects.update(last_name=hostile, job_title=hostile, company=hostile, category=hostile)
        Tag.objects.filter(pk=Tag.objects.all()[0].pk).update(name=hostile)
        ids = ",".join(map(str, Expert.objects.values_list("pk", flat=True)))
        for answer in (
            client.get(PAGE, {"find": hostile, "category": hostile}),
            client.post(SELECTION, {"ids": ids}),
        ):
            page = parse_html(answer.content.decode())
            assert not blocked_by_csp(page)
            assert not [each for each in page.walk() if each.tag == "b"]
            assert hostile.replace("\u202e", "") in page.text

    def test_it_has_pages(self, client):
        map_cast.mapped(51)
        assert len(self.names(client)) == 50
        assert self.names(client, page=2) == ["Erin Number051"]
