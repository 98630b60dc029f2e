"""The admin's lists take what people send them: long searches, huge filters, deletions of many rows."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from experts.models import Expert
from indexing.models import ApiToken
from tests.support import cast

pytestmark = [pytest.mark.django_db, pytest.mark.services]

LISTS = (
    "experts/expert",
    "experts/tag",
    "indexing/apitoken",
    "indexing/synonym",
    "indexing/notification",
    "auth/user",
    "auth/group",
    "axes/accessattempt",
    "axes/accesslog",
)
EXPERTS = "/admin/experts/expert/"
MANY = 1_500


@pytest.fixture
def root(client) -> Client:
    client.force_login(cast.staff(username="root", superuser=True))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("name", LISTS)
def test_a_search_of_five_thousand_words_uses_the_first_and_says_so(root, name):
    answer = root.get(f"/admin/{name}/", {"q": "word " * 5_000})
    assert answer.status_code == 200
    assert "only its first 32 words are used" in answer.content.decode()


def test_a_search_of_a_few_words_is_not_shortened(root):
    cast.experts(3)
    answer = root.get(EXPERTS, {"q": " ".join(["erin"] * 31 + ["number002"])})
    page = answer.content.decode()
    assert "words are used" not in page
    assert "Number002" in page
    assert "Number003" not in page


def test_completion_takes_long_words_too(root):
    where = {"app_label": "indexing", "model_name": "searchtest", "field_name": "expected"}
    assert root.get("/admin/autocomplete/", where | {"term": "word " * 5_000}).status_code == 200


FILTERS = [
    "id__in=" + ",".join(map(str, range(40_000))),
    "id__in=x",
    "id__exact=99999999999999999999",
    "id__gt=99999999999999999999",
    "id__range=1",
    "id=1e999",
    "is_active__exact=%00",
    "category__exact=x%00y",
    "first_name__in=%00",
    "hourly_rate=NaN",
    "bio__regex=(((",
    "created_at__gte=99999-01-01",
    "created_at__gte=0001-01-01 00:00%2B14:00",
    "created_at__year=99999&created_at__month=13&created_at__day=32",
    "attempt_time__year=99999",
    "created_at__iso_year=99999",
    "q=%00",
    "q=a%00b",
    "p=99999999999999999999",
    "o=99999999999999999999.-1.x",
    "domain=%00",
    "industry=99999999999999999999.auto",
    "all=" + "9" * 5_000,
]


@pytest.mark.parametrize("name", ["experts/expert", "indexing/apitoken", "axes/accesslog"])
def test_no_filter_is_an_error_of_the_server(root, name):
    cast.experts(2)
    ApiToken.objects.issue(cast.staff())
    statuses = {query[:60]: root.get(f"/admin/{name}/?{query}", follow=True).status_code for query in FILTERS}
    assert not {query: status for query, status in statuses.items() if status not in (200, 400)}


def test_a_pattern_that_takes_for_ever_is_not_even_tried(root):
    Expert.objects.create(username="a" * 60)
    assert root.get(f"{EXPERTS}?username__regex=(a%2B)%2B%24%5E").status_code == 400


# --- Deleting many ------------------------------------------------------------------------------------------
def many_experts() -> None:
    Expert.objects.bulk_create(Expert(username=f"many-{number}", company="Many") for number in range(MANY))


def fields_of(page: str) -> list[tuple[str, str]]:
    """What a browser sends when the last form of a page is submitted."""
    form = page[page.rindex('<form method="post"') :]
    found = re.findall(r'<input type="hidden" name="([^"]+)"[^>]*? value="([^"]*)"', form)
    return [(name, value) for name, value in found if name != "csrfmiddlewaretoken"]


def select_all(root: Client, path: str, pk: int) -> tuple[list[tuple[str, str]], str]:
    """Select all rows of the list and press Delete: what the page that asks for confirmation sends, and that page."""
    asked = {"action": "delete_selected", "_selected_action": [pk], "select_across": "1", "index": "0"}
    page = root.post(path, asked)
    assert page.status_code == 200
    return fields_of(page.content.decode()), page.content.decode()


def confirm(root: Client, path: str, fields: list[tuple[str, str]]):
    return root.post(path, {name: [value for each, value in fields if each == name] for name, _ in fields})


def test_one_thousand_five_hundred_experts_are_deleted_at_once(root):
    many_experts()
    path = f"{EXPERTS}?q=Many"
    kept = cast.experts(1)[0]
    fields, page = select_all(root, path, Expert.objects.first().pk)
    assert page.count("many-") >= MANY
    assert len(fields) < 10
    answer = confirm(root, path, fields)
    assert answer.status_code == 302
    assert list(Expert.objects.all()) == [kept]
    assert LogEntry.objects.count() == MANY


def test_a_row_that_joins_the_list_meanwhile_is_not_deleted_unseen(root):
    cast.experts(3)
    fields, _page = select_all(root, EXPERTS, Expert.objects.first().pk)
    Expert.objects.create(username="new")
    answer = confirm(root, EXPERTS, fields)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "the list has changed" in page
    assert Expert.objects.count() == 4
    assert confirm(root, EXPERTS, fields_of(page)).status_code == 302
    assert not Expert.objects.exists()


def test_of_selected_rows_only_those_are_deleted(root):
    first, second, third = cast.experts(3)
    page = root.post(
        EXPERTS,
        {"action": "delete_selected", "_selected_action": [first.pk, third.pk], "select_across": "0", "index": "0"},
    ).content.decode()
    assert confirm(root, EXPERTS, fields_of(page)).status_code == 302
    assert list(Expert.objects.all()) == [second]
