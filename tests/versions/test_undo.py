"""Undoing that somebody published a version or rolled back, and what runs say of it."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages

from indexing import audit, runs
from indexing.errors import Busy, Refused, SchedulePaused, VersionDamaged
from indexing.lib import paths
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.versions import decisions
from tests.support import cast, damage, version_cast
from tests.support.html_reading import html
from tests.support.version_cast import CAROL, live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
PUBLISH = f"{PAGE}versions/publish/"
ROLLBACK = f"{PAGE}versions/rollback/"
UNDO = f"{PAGE}versions/undo/"
HTMX = {"HX-Request": "true"}


def current() -> int:
    publication = Publication.objects.current()
    assert publication is not None
    return publication.pk


def test_undoing_a_rollback_makes_the_version_before_live_and_ends_the_pause(publisher):
    version_cast.two_versions()
    notice = publisher.post(ROLLBACK, {"version": 1, "reason": "It finds nobody."}, headers=HTMX)
    token = re.search(r'name="publication" value="(\d+)"', html(notice))
    assert token
    answer = publisher.post(UNDO, {"publication": token[1]}, headers=HTMX)
    assert "Undone: version 2 is live again." in html(answer)
    assert live() == 2
    assert IndexState.read().schedule_paused_at is None
    assert Publication.objects.rollbacks_of([1, 2]) == {}
    said = audit.sentence(LogEntry.objects.latest("pk"))
    assert said == "Undid the publication of version 1: version 2 is live again."
    assert RebuildRun.objects.get(version=2).lines.last().text == "Version 2 is live again, by carol."


def test_undoing_what_was_published_leaves_the_version_kept_and_its_run_marked(publisher):
    run = version_cast.held()
    answer = publisher.post(PUBLISH, {"version": 2, "reason": "They left."}, headers=HTMX)
    assert ">Undo</button>" in html(answer)
    assert decisions.undo(current(), CAROL) == 1
    assert live() == 1
    assert run.lines.last().text == "Rolled back by carol: version 1 is live instead."
    assert IndexVersion.objects.get(pk=2).state == IndexVersion.State.KEPT
    assert IndexState.read().schedule_paused_at is None
    page = html(publisher.get(f"{PAGE}runs/{run.pk}/"))
    assert "It was rolled back to version 1 on" in page
    assert "Roll back to version 2…" in page


def test_without_javascript_the_message_leads_to_a_page_that_undoes(publisher):
    version_cast.two_versions()
    page = html(publisher.post(ROLLBACK, {"version": 1, "reason": "Because."}, follow=True))
    address = re.search(r'href="([^"]*versions/undo/[^"]*)"', page)
    assert address
    asked = html(publisher.get(address[1]))
    assert "Version 2 becomes live again and replaces version 1." in asked
    assert live() == 1
    form = dict(re.findall(r'<(?:input|textarea)[^>]* name="(\w+)"(?: value="(\d+)")?', asked))
    assert form.keys() - {"csrfmiddlewaretoken"} == {"publication"}, "no version to choose, no reason to give"
    assert "Undone: version 2 is live again." in html(publisher.post(UNDO, form, follow=True))
    assert live() == 2


def test_the_page_names_a_run_that_would_undo_it_again(publisher):
    version_cast.rolled_back()
    address = f"{UNDO}?publication={current()}"
    button = '<button type="submit" class="button default" disabled>Undo</button>'
    assert button not in html(publisher.get(address))
    run = runs.request("full", cast.command_actor())
    asked = html(publisher.get(address))
    assert button in asked
    assert re.search(rf"Run {run.pk} \(.*\), requested by .*, is still active and would undo this", asked)


def test_it_is_refused_once_something_else_went_live(publisher):
    version_cast.rolled_back()
    token = current()
    cast.rebuild()
    answer = publisher.post(UNDO, {"publication": token})
    assert answer.status_code == 409
    assert "another version went live in the meantime" in html(answer)
    assert publisher.post(UNDO, {"publication": token}, headers=HTMX).status_code == 409
    assert live() == 3


def test_it_is_done_once(publisher):
    version_cast.rolled_back()
    token = current()
    decisions.undo(token, CAROL)
    with pytest.raises(Refused, match="meantime"):
        decisions.undo(token, CAROL)
    with pytest.raises(Refused, match="cannot be undone"):
        decisions.undo(current(), CAROL)
    assert live() == 2


def test_what_a_run_published_and_the_first_version_are_not_undone():
    version_cast.two_versions()
    with pytest.raises(Refused, match="cannot be undone"):
        decisions.undo(current(), CAROL)


def test_the_first_version_offers_no_undo(publisher, settings):
    settings.TCS_APPROVE = "always"
    cast.experts(3)
    cast.rebuild()
    publisher.post(PUBLISH, {"version": 1, "reason": "Fine."})
    answer = publisher.get(PAGE)
    assert [str(message) for message in get_messages(answer.wsgi_request)] in ([], ["Version 1 is live."])
    assert "versions/undo/" not in html(answer)
    assert live() == 1


def test_not_during_a_run_and_not_to_a_damaged_version():
    version_cast.rolled_back()
    runs.request("full", cast.command_actor())
    with pytest.raises(Busy):
        decisions.undo(current(), CAROL)
    RebuildRun.objects.active().delete()
    damage.flip_bit(paths.version_folder(2) / "vectors.npy")
    with pytest.raises(VersionDamaged):
        decisions.undo(current(), CAROL)
    assert live() == 1


def test_an_earlier_pause_comes_back():
    version_cast.rolled_back()  # from 2 to 1
    decisions.roll_back(2, CAROL, "It was not that.")
    decisions.undo(current(), CAROL)
    state = IndexState.read()
    assert (state.rolled_back_from, state.rolled_back_to, state.schedule_paused_reason) == (2, 1, "It finds nobody.")
    with pytest.raises(SchedulePaused):
        runs.request("full", cast.command_actor("cron"), scheduled=True)


def test_a_pause_that_somebody_ended_does_not_come_back():
    version_cast.rolled_back()
    decisions.roll_back(2, CAROL, "It was not that.")
    decisions.resume_schedule(CAROL)
    decisions.undo(current(), CAROL)
    assert IndexState.read().schedule_paused_at is None


def test_it_fails_halfway_and_changes_nothing(monkeypatch):
    version_cast.rolled_back()
    monkeypatch.setattr(decisions.audit, "record", lambda *_, **__: pytest.fail("The database went away."))
    with pytest.raises(pytest.fail.Exception):
        decisions.undo(current(), CAROL)
    assert live() == 1
    assert IndexState.read().schedule_paused_at


def test_those_who_may_not_publish_are_not_offered_it(viewer):
    version_cast.rolled_back()
    assert viewer.post(UNDO, {"publication": current()}).status_code == 403
    assert live() == 1
