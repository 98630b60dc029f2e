"""Experts who are like one expert: in the process, on the page, in the Lab and over the API."""

from __future__ import annotations

import numpy as np
import pytest

from experts.models import Expert, ExpertTag, Tag
from indexing.errors import NotInVersion
from indexing.models import IndexVersion
from indexing.search.filters import Filters
from indexing.search.similar import similar_experts
from tests.support import cast
from tests.support.html_reading import html_without_bdi

pytestmark = pytest.mark.django_db(transaction=True)


def welder() -> Expert:
    return Expert.objects.get(username="expert-001")


def usernames(found) -> list[str]:
    return [each.hit.expert.username for each in found.hits]


def test_the_nearest_profiles_come_first_and_never_the_person(client):
    snapshot = cast.published(24)
    found = similar_experts(welder(), snapshot, 23)
    assert set(usernames(found)[:2]) == {"expert-009", "expert-017"}, "the other welders"
    assert len(found.hits) == 23
    assert "expert-001" not in usernames(found)
    own = snapshot.vectors[snapshot.rows(np.array([welder().pk]))[0]]
    for each in found.hits:
        other = snapshot.vectors[snapshot.rows(np.array([each.hit.expert.pk]))[0]]
        assert each.hit.score == pytest.approx(float(own @ other), abs=1e-5)
    assert [each.hit.score for each in found.hits] == sorted((each.hit.score for each in found.hits), reverse=True)


def test_filters_apply_and_inactive_people_are_left_out_without_shortening_the_list():
    snapshot = cast.published(24)
    Expert.objects.filter(username="expert-009").update(is_active=False)
    found = similar_experts(welder(), snapshot, 5, filters=Filters(categories=("Finance",)))
    assert usernames(found)[0] == "expert-017"
    assert len(found.hits) == 5
    assert {each.hit.expert.category for each in found.hits} == {"Finance"}


def test_shared_tags_are_named():
    cast.experts(8)
    both, alone = Tag.objects.create(name="Ropes"), Tag.objects.create(name="Knots")
    for number, tag in ((1, both), (2, both), (2, alone)):
        ExpertTag.objects.create(expert=Expert.objects.get(username=f"expert-00{number}"), tag=tag)
    found = similar_experts(welder(), cast.published_again(), 7)
    shared = {each.hit.expert.username: each.shared_tags for each in found.hits}
    assert "Ropes" in shared["expert-002"]
    assert "Knots" not in shared["expert-002"]
    assert "Ropes" not in shared["expert-003"]


def test_an_expert_that_the_version_lacks_is_said_to_be_missing(client):
    snapshot = cast.published(3)
    late = Expert.objects.create(username="late", first_name="<b>Lana</b>")
    with pytest.raises(NotInVersion):
        similar_experts(late, snapshot)
    client.force_login(cast.staff())
    page, answer = client.get(f"/similar/{late.pk}/"), client.get(f"/api/experts/{late.pk}/similar")
    assert (page.status_code, answer.status_code) == (404, 404)
    assert "&lt;b&gt;Lana&lt;/b&gt; is not in index version" in html_without_bdi(page)
    assert "<b>Lana" not in html_without_bdi(page)
    assert f"is not in index version {snapshot.number}" in answer.json()["detail"]


def test_the_page_keeps_the_filters_and_every_hit_of_a_search_leads_to_it(client):
    client.force_login(cast.staff())
    cast.published(24)
    search = html_without_bdi(client.get("/", {"q": "steel bridges", "category": "Finance"}))
    address = f"/similar/{welder().pk}/?category=Finance"
    assert f'href="{address}"' in search
    page = html_without_bdi(client.get(address))
    assert "Erin Number017" in page
    assert "Erin Number002" not in page
    assert 'class="chip" href="?"' in page
    assert "/similar/" in page.partition('<ol class="cards">')[2], "and on from there"


def test_more_than_the_first_twenty(client):
    client.force_login(cast.staff())
    cast.published(24)
    page = html_without_bdi(client.get(f"/similar/{welder().pk}/", {"photo": ""}))
    assert page.count('<li class="expert">') == 20
    assert 'href="?photo=&amp;k=50"' in page
    more = html_without_bdi(client.get(f"/similar/{welder().pk}/", {"k": "50"}))
    assert more.count('<li class="expert">') == 23


def test_another_version_is_for_those_who_see_the_index(client):
    first = cast.published(8)
    Expert.objects.filter(username="expert-001").update(job_title="Beekeeper", bio="Keeps bees, breeds queens.")
    cast.published_again()
    address = f"/similar/{welder().pk}/"
    client.force_login(cast.staff(username="plain"))
    assert client.get(address, {"version": first.number}).status_code == 403
    client.force_login(cast.staff("indexing.view", username="viewer"))
    now, then = (html_without_bdi(client.get(address, asked)) for asked in ({}, {"version": first.number}))
    assert now.index("Number008") < now.index("Number002"), "the other beekeeper"
    assert f"index version {first.number}" in then
    assert client.get(address, {"version": "99"}).status_code == 404
    lab = html_without_bdi(client.get("/admin/index/lab/", {"q": "steel", "version": first.number}))
    assert f'href="{address}?version={first.number}"' in lab
    assert IndexVersion.objects.count() == 2


def test_the_api_gives_the_same(client):
    client.force_login(cast.staff())
    snapshot = cast.published(24)
    asked = {"k": 3, "category": "Finance"}
    answer = client.get(f"/api/experts/{welder().pk}/similar", asked).json()
    expected = similar_experts(welder(), snapshot, 3, filters=Filters(categories=("Finance",)))
    assert (answer["expert"]["username"], answer["version"]) == ("expert-001", snapshot.number)
    assert [each["expert"]["username"] for each in answer["similar"]] == usernames(expected)
    assert client.get(f"/api/experts/{welder().pk}/similar", {"tag": "No such"}).status_code == 422
    Expert.objects.update(is_active=False)
    gone = client.get(f"/api/experts/{welder().pk}/similar")
    assert (gone.status_code, gone.json()["detail"]) == (404, "There is no such active expert.")
    assert client.get(f"/similar/{welder().pk}/").status_code == 404
