"""Search tests are edited with the permission for it; notifications can only be read."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from indexing.models import Notification, SearchTest
from tests.support import cast

pytestmark = pytest.mark.django_db

PAGE = "/admin/index/search-tests/"
QUERIES = "/admin/indexing/searchtest/"
NOTIFICATIONS = "/admin/indexing/notification/"


@pytest.fixture
def keeper(client):
    rights = [f"indexing.{action}_searchtest" for action in ("add", "change", "delete", "view")]
    client.force_login(cast.staff(*rights, "experts.view_expert", username="kim"))
    return client


def test_a_query_is_saved_with_the_experts_it_must_find(keeper):
    expert = cast.experts(3)[0]
    sent = {"text": "sourdough bread", "k": 5, "expected": [expert.pk], "is_active": "on"}
    answer = keeper.post(f"{QUERIES}add/", sent)
    assert answer.status_code == 302
    query = SearchTest.objects.get()
    assert (query.text, query.k, query.is_active, list(query.expected.all())) == (
        "sourdough bread",
        5,
        True,
        [expert],
    )
    assert LogEntry.objects.get().user.username == "kim"


@pytest.mark.parametrize("sent", [{"text": "", "k": 5}, {"text": "bread", "k": 0}, {"text": "bread", "k": 101}])
def test_what_makes_no_sense_is_not_saved(keeper, sent):
    answer = keeper.post(f"{QUERIES}add/", sent | {"is_active": "on"})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not SearchTest.objects.exists()


def test_experts_are_found_by_autocomplete(keeper):
    cast.experts(12)
    asked = {"term": "expert-011", "app_label": "indexing", "model_name": "searchtest", "field_name": "expected"}
    answer = keeper.get(reverse("admin:autocomplete"), asked)
    assert [each["text"] for each in answer.json()["results"]] == ["Erin Number011"]
    page = keeper.get(f"{QUERIES}add/").content.decode()
    assert "admin-autocomplete" in page


def test_there_is_one_list_and_every_old_address_leads_there(keeper):
    SearchTest.objects.create(text="bread").expected.set(cast.experts(3))
    for path in (QUERIES, "/admin/indexing/savedquery/", "/admin/index/lab/saved-queries/"):
        answer = keeper.get(path, follow=True)
        assert answer.redirect_chain[-1][0].startswith(PAGE)
        assert re.search(r'data-label="Expected">3</td>', answer.content.decode())


def test_an_old_address_of_one_test_leads_to_its_form(keeper):
    test = SearchTest.objects.create(text="bread")
    answer = keeper.get(f"/admin/indexing/savedquery/{test.pk}/change/?_popup=1")
    assert answer.url == f"{QUERIES}{test.pk}/change/?_popup=1"


def test_who_may_edit_them_sees_them_without_the_right_to_the_index(keeper, client):
    assert "No search tests yet" in keeper.get(PAGE).content.decode()
    client.force_login(cast.staff(username="none"))
    assert client.get(PAGE).status_code == 403


@pytest.mark.parametrize("path", [QUERIES, f"{QUERIES}add/", NOTIFICATIONS])
def test_the_rights_to_the_index_are_none_to_these(client, path):
    client.force_login(cast.staff("indexing.view", "indexing.publish", "indexing.rebuild"))
    assert client.get(path).status_code == 403


def test_notifications_are_read_and_never_written(client):
    note = Notification.objects.create(channel="email", event="run.held", subject="Run 4 is held", body="10 gone.")
    client.force_login(cast.staff(superuser=True))
    assert "Run 4 is held" in client.get(NOTIFICATIONS).content.decode()
    one = f"{NOTIFICATIONS}{note.pk}/change/"
    assert "10 gone." in client.get(one).content.decode()
    assert client.post(one, {"subject": "Other"}).status_code == 403
    assert client.get(f"{NOTIFICATIONS}add/").status_code == 403
    assert client.post(f"{NOTIFICATIONS}{note.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Notification.objects.get().subject == "Run 4 is held"


@pytest.mark.parametrize("model", ["rebuildrun", "runlogline", "indexversion", "publication", "indexstate"])
def test_what_the_rules_move_is_not_for_the_admin_to_edit(client, model):
    client.force_login(cast.staff(superuser=True))
    assert client.get(f"/admin/indexing/{model}/").status_code == 404
