"""Drift, wherever it is shown: graded, in one line, and person by person."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from experts.models import Expert, ExpertTag, Tag
from experts.profiles.records import FIELDS
from indexing.console import changes
from indexing.drift import measurement
from indexing.drift import status as drift_status
from indexing.drift.status import DriftLimits, grade_drift
from indexing.lib import paths
from indexing.models import IndexVersion
from indexing.serving import live
from tests.support import cast

PAGE = "/admin/index/drift/"
DAY = timedelta(days=1)
LIMITS = DriftLimits(current=0.0, current_days=7, stale=0.1, stale_days=30)


def html(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize(
    ("share", "days", "expected"),
    [
        (0.0, 0, "current"),
        (0.0, 6.9, "current"),
        (0.0, 7, "drifting"),
        (0.001, 0, "drifting"),
        (0.099, 29, "drifting"),
        (0.1, 0, "stale"),
        (3.0, 0, "stale"),
        (0.0, 30, "stale"),
    ],
)
def test_the_grade_follows_share_and_age(share, days, expected):
    assert grade_drift(share, days * DAY, LIMITS) == expected


def test_the_grade_follows_the_limits():
    patient = DriftLimits(current=0.2, current_days=90, stale=1.0, stale_days=365)
    assert grade_drift(0.2, 89 * DAY, patient) == "current"
    assert grade_drift(0.0, 0 * DAY, DriftLimits(0.0, 7, 0.0, 30)) == "current", (
        "nothing drifted is never stale by share"
    )


@pytest.fixture(autouse=True)
def _whatever_is_lost_is_published(settings):
    settings.TCS_GATE_MAX_LOST = 1.0


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", "experts.view_expert", username="vi"))
    return client


pytestmark = pytest.mark.django_db(transaction=True)


def drifted() -> None:
    """Of ten experts one is deleted, one hidden, two changed; two came."""
    cast.published(10)
    Expert.objects.get(username="expert-001").delete()
    Expert.objects.filter(username="expert-002").update(is_active=False)
    Expert.objects.filter(username="expert-003").update(bio="Counts otters and studies coral reefs. Case 3.")
    Expert.objects.filter(username="expert-004").update(last_name="Newlywed", currency="CHF")
    for name in ("Zoë", "Abe"):
        Expert.objects.create(username=name.lower(), first_name=name, last_name="Newcomer", job_title="Glazier")


def test_without_a_version_it_was_never_built_and_the_page_says_what_to_do(viewer):
    page = html(viewer.get(PAGE))
    assert "never built" in page
    assert "Ask somebody who may rebuild" in page
    assert drift_status.latest().as_dict()["count"] is None


def test_the_sentence_counts_new_changed_and_removed_experts():
    drifted()
    now = drift_status.latest()
    assert now.sentence.startswith("2 new experts not searchable yet, 2 changed, 2 removed; built ")
    assert now.grade == "stale"
    cast.published_again()
    now = drift_status.latest()
    assert (now.grade, now.drift.count) == ("current", 0)
    assert now.sentence.startswith("Up to date; built ")


def test_drift_is_in_the_console_the_command_and_the_api(viewer):
    drifted()
    for url in ("/admin/index/", PAGE):
        page = html(viewer.get(url))
        assert "badge-drift-stale" in page
        assert "2 new experts not searchable yet, 2 changed, 2 removed; built" in page
        assert "(checked at " in page
    out = StringIO()
    call_command("index_status", "--json", stdout=out)
    output = json.loads(out.getvalue())["drift"]
    assert (output["added"], output["changed"], output["removed"], output["grade"]) == (2, 2, 2, "stale")
    assert output["fields"] == {"name": 1, "bio": 1, "currency": 1}
    out = StringIO()
    call_command("index_status", stdout=out)
    assert "Drift:    stale. 2 new experts not searchable yet, 2 changed, 2 removed; built" in out.getvalue()
    status = viewer.get("/api/admin/ingest/status").json()["drift"]
    assert status | {"as_of": 0, "sentence": ""} == output | {"as_of": 0, "sentence": ""}


def test_each_list_names_its_people_and_links_to_them(viewer):
    drifted()
    page = html(viewer.get(PAGE, {"list": "added"}))
    assert page.index("Abe Newcomer") < page.index("Zoë Newcomer")
    assert '<a href="/experts/abe/">' in page
    page = html(viewer.get(PAGE, {"list": "removed"}))
    assert "<strong>" in page.split("Erin Number001")[0][-60:], "nobody to lead to"
    assert "deleted" in page.split("Erin Number001")[1].split("</li>")[0]
    assert "deactivated" in page.split("Erin Number002")[1].split("</li>")[0]


def test_a_change_shows_the_text_before_and_after(viewer):
    drifted()
    page = html(viewer.get(PAGE, {"list": "changed"}))
    assert "<del>porpoises </del>" in page
    assert "<ins>otters </ins>" in page
    renamed = page.split("Erin Newlywed")[1]
    assert "<del>Number004</del>" in renamed
    assert "<ins>CHF</ins>" in renamed


def test_a_list_can_be_searched_and_narrowed_to_a_field(viewer):
    drifted()
    assert "Zoë Newcomer" not in html(viewer.get(PAGE, {"list": "added", "q": "abe glazier"}))
    assert "Abe Newcomer" in html(viewer.get(PAGE, {"list": "added", "q": "abe glazier"}))
    assert "No expert in this list" in html(viewer.get(PAGE, {"list": "added", "q": "expert-005"})), (
        "who did not come"
    )
    changed = html(viewer.get(PAGE, {"list": "changed", "field": "bio"}))
    assert "Number003" in changed
    assert "Newlywed" not in changed
    removed = html(viewer.get(PAGE, {"list": "removed", "q": "NUMBER001 company"}))
    assert "Erin Number001" in removed, "whose words only the version knows"
    assert "Erin Number002" not in removed


def test_a_long_list_has_pages_that_keep_the_search(viewer, monkeypatch):
    monkeypatch.setattr(changes, "PEOPLE_ON_A_PAGE", 2)
    cast.published(3)
    for number in range(5):
        Expert.objects.create(username=f"new-{number}", last_name="Newcomer")
    page = html(viewer.get(PAGE, {"list": "added", "q": "newcomer", "page": 2}))
    assert "Page 2 of 3" in page
    assert '<a rel="next" href="?list=added&amp;q=newcomer&amp;page=3">' in page


def test_a_rate_is_written_as_people_write_it():
    assert changes.field_text("rate", "1E+2", {}) == "100.00"
    assert changes.field_text("rate", "", {}) == ""


def test_manual_tags_are_named(viewer):
    cast.published(3)
    expert = Expert.objects.first()
    tag = Tag.objects.exclude(experts=expert).first()
    ExpertTag.objects.create(expert=expert, tag=tag, source=ExpertTag.Source.MANUAL)
    assert f"<ins>{tag.name}" in html(viewer.get(PAGE, {"list": "changed"})).replace("&amp;", "&")


def test_every_field_has_a_name_for_people():
    for field in FIELDS:
        assert isinstance(changes.field_text(field, "", {}), str)


def test_the_old_text_is_unknown_if_an_older_release_built_the_version(viewer, monkeypatch):
    drifted()
    older = drift_status.baseline(IndexVersion.objects.get(state="live"))
    object.__setattr__(older, "profiles", None)
    page = html(viewer.get(PAGE, {"list": "changed"}))
    assert "did not store texts" in page
    assert "not known" in page
    assert "Counts otters" in page
    assert "(name not stored)" in html(viewer.get(PAGE, {"list": "removed"}))


def test_damaged_files_of_the_live_version_are_reported_without_an_error(viewer):
    cast.published(3)
    live.served.forget()
    shutil.rmtree(paths.version_folder(1))
    page = html(viewer.get(PAGE))
    assert "cannot be compared" in page
    assert "badge-drift-unknown" in page
    assert drift_status.latest().grade == "unknown"


def test_directory_is_measured_once_for_all_who_ask_until_somebody_edits(monkeypatch):
    cast.published(5)
    measured = []
    real = measurement.measure
    monkeypatch.setattr(drift_status, "measure", lambda version: measured.append(version.number) or real(version))
    monkeypatch.setattr(drift_status, "PROBE_SECONDS", 0.0)
    for _ in range(5):
        drift_status.latest()
    assert measured == [1]
    Expert.objects.filter(username="expert-001").update(bio="By a way that notes nothing.")
    assert drift_status.latest().drift.count == 0, "as of before"
    expert = Expert.objects.get(username="expert-002")
    expert.bio = "By the page."
    expert.save()
    assert drift_status.latest().drift.count == 2
    Expert.objects.filter(username="expert-003").deactivate()
    assert drift_status.latest().drift.count == 3
    tag = Tag.objects.exclude(experts=expert).first()
    ExpertTag.objects.create(expert=expert, tag=tag, source=ExpertTag.Source.MANUAL)
    assert drift_status.latest().drift.fields["manual_tags"] == 1


def test_an_unnoticed_change_is_seen_when_the_measurement_expires(monkeypatch):
    cast.published(5)
    monkeypatch.setattr(drift_status, "LIFE_SECONDS", 0.0)
    monkeypatch.setattr(drift_status, "SHARE_OF_TIME", 0)
    assert drift_status.latest().drift.count == 0
    Expert.objects.filter(username="expert-001").update(bio="By a way that notes nothing.")
    assert drift_status.latest().drift.count == 1


def test_another_live_version_is_measured_at_once(monkeypatch):
    drifted()
    assert drift_status.latest().drift.count == 6
    cast.rebuild()  # this process still serves the one before
    now = drift_status.latest()
    assert (now.drift.number, now.drift.count) == (2, 0)


def test_an_old_version_is_not_current_though_nothing_changed():
    cast.published(3)
    IndexVersion.objects.update(created_at=timezone.now() - 8 * DAY)
    assert drift_status.latest().grade == "drifting"


def test_without_the_view_permission_it_is_not_shown(client):
    client.force_login(cast.staff())
    assert client.get(PAGE).status_code == 403
