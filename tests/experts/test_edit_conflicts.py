"""Two people edit one expert: the second is warned, and neither loses what they typed. Many rows at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from experts.models import Expert
from tests.support import cast

pytestmark = [pytest.mark.django_db, pytest.mark.services]

MANY = 1_200


def editor(name: str) -> Client:
    client = Client()
    client.force_login(cast.staff("experts.view_expert", "experts.change_expert", username=name))
    return client


def opened(client: Client, expert: Expert) -> dict[str, Any]:
    """What the form sends as it was opened."""
    answer = client.get(f"/admin/experts/expert/{expert.pk}/change/")
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    sent = {name: form[name].value() for name in form.fields}
    moment = form.initial["created_at"]
    sent |= {"created_at_0": f"{moment:%Y-%m-%d}", "created_at_1": f"{moment:%H:%M:%S}"}
    sent |= {f"expert_tags-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    for inline in answer.context["inline_admin_formsets"]:
        prefix = inline.formset.prefix
        sent |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    return {name: value for name, value in sent.items() if value is not None and value is not False}


def save(client: Client, expert: Expert, sent: dict[str, Any]) -> Any:
    return client.post(f"/admin/experts/expert/{expert.pk}/change/", sent)


def test_the_second_to_save_is_warned_and_loses_nothing():
    expert = cast.experts(1)[0]
    ann, bob = editor("ann"), editor("bob")
    of_ann, of_bob = opened(ann, expert), opened(bob, expert)
    assert save(ann, expert, of_ann | {"job_title": "Queen <b>bee</b>"}).status_code == 302
    answer = save(bob, expert, of_bob | {"company": "Hive"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "ann has changed this expert since you opened the form" in page
    assert "Job title is stored as: Queen &lt;b&gt;bee&lt;/b&gt;" in page
    assert 'value="Hive"' in page
    expert.refresh_from_db()
    assert (expert.job_title, expert.company) == ("Queen <b>bee</b>", "Company 1")
    again = answer.context["adminform"].form["seen_at"].value()
    assert save(bob, expert, of_bob | {"company": "Hive", "seen_at": again}).status_code == 302
    expert.refresh_from_db()
    assert expert.company == "Hive"


def test_nobody_is_warned_of_their_own_last_change():
    expert = cast.experts(1)[0]
    ann = editor("ann")
    for title in ("Baker", "Brewer"):
        assert save(ann, expert, opened(ann, expert) | {"job_title": title}).status_code == 302
    expert.refresh_from_db()
    assert expert.job_title == "Brewer"


def test_who_may_only_look_sees_the_page():
    expert = cast.experts(1)[0]
    client = Client()
    client.force_login(cast.staff("experts.view_expert"))
    page = client.get(f"/admin/experts/expert/{expert.pk}/change/").content.decode()
    assert "seen_at" not in page


def test_more_rows_than_a_form_has_fields_are_changed_and_deleted_at_once(client):
    client.force_login(cast.staff(username="root", superuser=True))
    Expert.objects.bulk_create([Expert(username=f"x{number}") for number in range(MANY)])
    rows = {"select_across": "1", "_selected_action": str(Expert.objects.latest("pk").pk)}
    page = "/admin/experts/expert/"
    assert client.post(page, rows | {"action": "deactivate"}).status_code == 302
    assert Expert.objects.active().count() == 0
    asked = client.post(page, rows | {"action": "delete_selected"})
    assert len(asked.content.decode().split("_selected_action")) < 10
    sent = rows | {"action": "delete_selected", "post": "yes", "shown": asked.context["shown"]}
    assert client.post(page, sent).status_code == 302
    assert Expert.objects.count() == 0
