"""The directory in Django admin."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from experts.importing.plan import make_plan
from experts.models import Expert, ExpertTag, Tag
from tests.support.cast import experts, staff

pytestmark = pytest.mark.django_db

LIST = "/admin/experts/expert/"


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(staff(superuser=True))
    return client


@pytest.fixture
def tags() -> list[Tag]:
    kinds = ("domain", "domain", "industry")
    return [Tag.objects.create(kind=kind, name=f"Tag {n}", description="x") for n, kind in enumerate(kinds)]


def listed(page: Any) -> set[str]:
    return {expert.username for expert in page.context["cl"].result_list}


def act(client: Client, action: str, people: list[Expert], **more: str) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [p.pk for p in people], **more}, follow=True)


def test_the_list_makes_as_many_queries_for_many_experts_as_for_few(editor: Client, tags: list[Tag]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert editor.get(LIST).status_code == 200
        return len(captured)

    people = experts(2)
    queries()
    few = queries()
    for number in range(30):
        person = Expert.objects.create(username=f"more{number}")
        ExpertTag.objects.bulk_create(ExpertTag(expert=person, tag=tag) for tag in tags)
    assert queries() == few
    assert people


def test_the_list_shows_tags_rate_and_the_photo_that_is_kept_here(editor: Client, tags: list[Tag]) -> None:
    expert = Expert.objects.create(
        username="ann", hourly_rate="80.50", currency="EUR", photo_url="https://example.com/a.jpg", photo_file="a.jpg"
    )
    ExpertTag.objects.create(expert=expert, tag=tags[0])
    html = editor.get(LIST).content.decode()
    assert "80.50 EUR" in html
    assert "Tag 0" in html
    assert f'<img src="{expert.photo_address}"' in html
    assert "example.com" not in html


def test_the_search_finds_words_of_every_text(editor: Client) -> None:
    Expert.objects.create(username="ann", first_name="Åsa", job_title="Planner", company="Choir", bio="Sings well")
    Expert.objects.create(username="ben")
    for words in ("ann", "Åsa", "planner", "choir", "sings"):
        assert listed(editor.get(LIST, {"q": words})) == {"ann"}


def test_the_filters_narrow_the_list(editor: Client, tags: list[Tag]) -> None:
    ann = Expert.objects.create(username="ann", category="Art", photo_url="https://example.com/a.jpg")
    ben = Expert.objects.create(username="ben", is_active=False)
    Expert.objects.create(username="cid", languages="de nl", available_from="2199-01-01")
    Expert.objects.filter(pk=ann.pk).update(country="NL", languages="nl en", available_from="2020-01-01")
    ExpertTag.objects.create(expert=ann, tag=tags[0])
    ExpertTag.objects.create(expert=ann, tag=tags[2], source="auto", score=0.4)
    ExpertTag.objects.create(expert=ben, tag=tags[1], source="auto", score=0.4)
    for query, found in (
        ({"is_active__exact": "0"}, {"ben"}),
        ({"category": "Art"}, {"ann"}),
        ({"domain": tags[0].pk}, {"ann"}),
        ({"domain": tags[1].pk}, {"ben"}),
        ({"industry": tags[2].pk}, {"ann"}),
        ({"domain": "x"}, set()),
        ({"domain": "-1"}, set()),
        ({"domain": "".join(chr(ord(digit) + 0xFEE0) for digit in str(tags[0].pk))}, {"ann"}),  # full width
        ({"domain": f"{tags[0].pk}.manual"}, {"ann"}),
        ({"domain": f"{tags[0].pk}.\0"}, {"ann"}),  # a NUL is dropped
        ({"domain": f"{2**63}"}, set()),
        ({"industry": "9" * 5_000}, set()),
        ({"tagged": "manual"}, {"ann"}),
        ({"tagged": "auto"}, {"ann", "ben"}),
        ({"tagged": "none"}, {"cid"}),
        ({"photo": "yes"}, {"ann"}),
        ({"photo": "no"}, {"ben", "cid"}),
        ({"country": "NL"}, {"ann"}),
        ({"country": "x\0%"}, set()),
        ({"language": "nl"}, {"ann", "cid"}),
        ({"language": "n%"}, set()),
        ({"available": "now"}, {"ann"}),
        ({"available": "later"}, {"cid"}),
        ({"available": "unknown"}, {"ben"}),
    ):
        assert listed(editor.get(LIST, query)) == found, query


def test_activating_and_deactivating_many_logs_each_expert(editor: Client) -> None:
    people = experts(3)
    Expert.objects.filter(pk=people[0].pk).deactivate()
    page = act(editor, "deactivate", people)
    said = " ".join(map(str, page.context["messages"]))
    assert "2 experts deactivated" in said
    assert "The changes to 2 experts become searchable with the next rebuild." in said
    assert not Expert.objects.active().exists()
    assert set(LogEntry.objects.values_list("object_id", flat=True)) == {str(p.pk) for p in people[1:]}
    assert "active" in LogEntry.objects.first().get_change_message()  # type: ignore[union-attr]
    act(editor, "activate", people)
    assert Expert.objects.active().count() == 3
    assert LogEntry.objects.count() == 5


def test_activating_needs_the_permission_to_change(client: Client) -> None:
    people = experts(2)
    client.force_login(staff("experts.view_expert"))
    act(client, "deactivate", people)
    assert Expert.objects.active().count() == 2


def test_the_export_has_the_columns_of_the_import_and_reads_back_unchanged(editor: Client) -> None:
    people = [*experts(3), Expert.objects.create(username="=1+1", bio="@SUM(1)\nline")]
    response = act(editor, "export", people)
    assert response["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == 5
    assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@")]
    plan = make_plan(io.BytesIO(response.content))
    assert (plan.counts.unchanged, plan.counts.new, plan.counts.changed) == (4, 0, 0)


def form_of(page: Any) -> dict[str, str]:
    """What a browser would send of a change page that nobody touched."""
    data: dict[str, str] = {}
    forms = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for field in form:
            value = field.value()
            if field.field.disabled or value is None or value is False:
                continue
            widget = field.field.widget
            if hasattr(widget, "decompress"):
                parts = widget.decompress(field.field.clean(value) if isinstance(value, str) else value)
                names = (field.html_name, field.html_initial_name)  # the latter: a default that is computed
                data |= {f"{name}_{n}": str(part) for name in names for n, part in enumerate(parts)}
            else:
                data[field.html_name] = "on" if value is True else str(value)
    return data


def test_saving_an_unedited_expert_changes_nothing_for_an_import(editor: Client) -> None:
    expert = Expert.objects.create(username="ann", bio="Sings\nand dances", category="Art")
    address = expert.admin_url
    data = form_of(editor.get(address))
    data["bio"] = "Sings\r\nand dances"
    assert editor.post(address, data).status_code == 302
    expert.refresh_from_db()
    assert expert.bio == "Sings\nand dances"
    assert LogEntry.objects.get().get_change_message() == "No fields changed."


def test_an_edit_says_what_follows_if_it_changed_anything(editor: Client) -> None:
    expert = Expert.objects.create(username="ann", bio="Sings")
    for bio, follows in (("Dances", True), ("Dances", False)):
        page = editor.post(expert.admin_url, form_of(editor.get(expert.admin_url)) | {"bio": bio}, follow=True)
        said = " ".join(map(str, page.context["messages"]))
        assert ("The changes to 1 expert become searchable with the next rebuild." in said) == follows, said


def test_adding_a_manual_tag_is_logged(editor: Client, tags: list[Tag]) -> None:
    expert = Expert.objects.create(username="ann")
    address = expert.admin_url
    data = form_of(editor.get(address)) | {"expert_tags-0-tag": str(tags[0].pk)}
    assert editor.post(address, data).status_code == 302
    row = expert.expert_tags.get()
    assert (row.tag, row.source, row.score) == (tags[0], "manual", None)
    assert "Added" in LogEntry.objects.get().get_change_message()


def test_an_automatic_tag_can_only_be_made_manual(editor: Client, tags: list[Tag]) -> None:
    expert = Expert.objects.create(username="ann")
    row = ExpertTag.objects.create(expert=expert, tag=tags[0], source="auto", score=0.42)
    address = expert.admin_url
    page = editor.get(address)
    assert "0.42" in page.content.decode()
    forged = {"expert_tags-0-tag": str(tags[1].pk), "expert_tags-0-DELETE": "on"}
    assert editor.post(address, form_of(page) | forged).status_code == 302
    row.refresh_from_db()
    assert (row.tag, row.source, row.score) == (tags[0], "auto", 0.42)
    editor.post(address, form_of(page) | {"expert_tags-0-keep": "on"})
    row.refresh_from_db()
    assert (row.tag, row.source, row.score) == (tags[0], "manual", None)


def test_a_manual_tag_can_be_changed_and_removed(editor: Client, tags: list[Tag]) -> None:
    expert = Expert.objects.create(username="ann")
    ExpertTag.objects.create(expert=expert, tag=tags[0])
    address = expert.admin_url
    editor.post(address, form_of(editor.get(address)) | {"expert_tags-0-tag": str(tags[1].pk)})
    assert expert.expert_tags.get().tag == tags[1]
    editor.post(address, form_of(editor.get(address)) | {"expert_tags-0-DELETE": "on"})
    assert not expert.expert_tags.exists()


def test_the_expert_form_makes_as_many_queries_for_many_tags_as_for_few(editor: Client, tags: list[Tag]) -> None:
    expert = Expert.objects.create(username="ann")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert editor.get(expert.admin_url).status_code == 200
        return len(captured)

    ExpertTag.objects.create(expert=expert, tag=tags[0])
    queries()
    few = queries()
    for number in range(12):
        tag = Tag.objects.create(kind="domain", name=f"More {number}", description="x")
        ExpertTag.objects.create(expert=expert, tag=tag, source="auto", score=0.4)
    assert queries() == few


def test_a_username_that_differs_only_in_case_is_refused(editor: Client) -> None:
    Expert.objects.create(username="Ann")
    expert = Expert.objects.create(username="ben")
    address = expert.admin_url
    page = editor.post(address, form_of(editor.get(address)) | {"username": "aNN"})
    assert "already exists" in page.content.decode()


def test_a_currency_is_upper_cased_and_must_be_a_code(editor: Client) -> None:
    expert = Expert.objects.create(username="ann")
    address = expert.admin_url
    data = form_of(editor.get(address))
    assert "ISO code" in editor.post(address, data | {"currency": "12"}).content.decode()
    editor.post(address, data | {"currency": "eur"})
    expert.refresh_from_db()
    assert expert.currency == "EUR"
