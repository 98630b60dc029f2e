"""Who may open the index page, and what its buttons do."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from indexing import runs
from indexing.lib import times
from indexing.models import RebuildRun
from tests.support import cast
from tests.support.html_reading import html_without_bdi
from tests.support.run_cast import ended, running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
REBUILD, RETAG, CANCEL = f"{PAGE}rebuild/", f"{PAGE}retag/", f"{PAGE}cancel/"
HTMX = {"HX-Request": "true"}


# --- Who may --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [PAGE, REBUILD, RETAG, CANCEL, f"{PAGE}runs/1/", f"{PAGE}runs/1/log.txt"])
def test_signed_out_users_sign_in_first_and_come_back(client, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.url == f"{reverse('accounts:sign-in')}?next={path}"


@pytest.mark.parametrize("path", [PAGE, REBUILD, RETAG, f"{CANCEL}?run=1", f"{PAGE}runs/1/", f"{PAGE}runs/1/log.txt"])
@pytest.mark.parametrize("person", [cast.staff, cast.visitor])
def test_without_the_permission_the_page_says_so(client, path, person):
    ended("done", pk=1)
    client.force_login(person())
    answer = client.get(path)
    assert answer.status_code == 403
    assert "does not have the permission" in html_without_bdi(answer)


def test_a_user_with_the_permission_who_is_not_staff_sees_nothing(client):
    user = cast.staff("indexing.view")
    user.is_staff = False
    user.save()
    client.force_login(user)
    assert client.get(PAGE).status_code == 403


def test_an_htmx_request_of_somebody_signed_out_sends_the_whole_browser_to_sign_in(client):
    answer = client.post(REBUILD, headers=HTMX | {"HX-Current-URL": f"http://testserver{PAGE}"})
    assert answer.headers["HX-Redirect"] == f"{reverse('accounts:sign-in')}?next={PAGE}"
    assert not RebuildRun.objects.exists()


@pytest.mark.parametrize("path", [REBUILD, RETAG])
def test_viewers_start_nothing(viewer, path):
    assert viewer.post(path).status_code == 403
    assert not RebuildRun.objects.exists()


def test_viewers_cancel_nothing(viewer):
    run = running()
    assert viewer.post(CANCEL, {"run": run.pk}).status_code == 403
    run.refresh_from_db()
    assert run.cancel_requested_at is None


def test_viewers_see_no_buttons(viewer):
    page = html_without_bdi(viewer.get(PAGE))
    assert "rebuild-button" not in page
    assert "-dialog" not in page
    assert "you need the rebuild permission to start one" in page


def test_a_request_without_the_csrf_token_is_refused():
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.staff("indexing.view", "indexing.rebuild"))
    assert strict.post(REBUILD).status_code == 403
    assert not RebuildRun.objects.exists()


@pytest.mark.parametrize(("method", "path"), [("post", PAGE), ("put", REBUILD), ("delete", CANCEL)])
def test_other_methods_are_refused(operator, method, path):
    assert getattr(operator, method)(path).status_code == 405


# --- Starting -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("path", "kind"), [(REBUILD, "full"), (RETAG, "tags")])
def test_without_javascript_a_page_asks_first_and_a_form_starts_the_run(operator, path, kind):
    page = html_without_bdi(operator.get(path))
    assert '<form method="post">' in page
    assert not RebuildRun.objects.exists()

    answer = operator.post(path, REMOTE_ADDR="192.0.2.7", follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    run = RebuildRun.objects.get()
    assert (run.kind, run.state, run.requested_name, run.via, run.reembed) == (kind, "queued", "otto", "page", False)
    assert f"started (run {run.pk})." in html_without_bdi(answer)
    assert "192.0.2.7" in LogEntry.objects.get().change_message


def test_everything_can_be_embedded_again(operator):
    operator.post(REBUILD, {"reembed": "1"})
    assert RebuildRun.objects.get().reembed


def test_a_tags_run_embeds_nothing_again_whatever_is_sent(operator):
    operator.post(RETAG, {"reembed": "1"})
    assert not RebuildRun.objects.get().reembed


def test_htmx_gets_a_notice_alone(operator):
    answer = operator.post(REBUILD, headers=HTMX)
    assert answer.status_code == 200
    assert "started (run" in html_without_bdi(answer)
    assert "<html" not in html_without_bdi(answer)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_second_request_is_refused_with_who_runs_what_since_when(operator, headers):
    run = running("tags")
    answer = operator.post(REBUILD, headers=headers)
    assert answer.status_code == 409
    assert f"Run {run.pk} (re-tag only) is already running. It was requested by operator on " in html_without_bdi(
        answer
    )
    assert times.moment(run.created_at) in html_without_bdi(answer)
    assert ("<html" in html_without_bdi(answer)) == (not headers)
    assert RebuildRun.objects.count() == 1


def test_the_confirmation_page_names_the_active_run(operator):
    run = running()
    page = html_without_bdi(operator.get(REBUILD))
    assert f"Run {run.pk} (full rebuild), requested by operator, is still active" in page
    assert re.search(r'<button type="submit"[^>]* disabled>', page)


def test_the_buttons_are_disabled_while_a_run_is_active(operator):
    assert not re.search(r'id="re(build|tag)-button"[^>]* disabled', html_without_bdi(operator.get(PAGE)))
    running()
    page = html_without_bdi(operator.get(PAGE))
    assert len(re.findall(r'id="re(?:build|tag)-button"[^>]* disabled', page)) == 2


# --- Cancelling -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("right", ["indexing.rebuild", "indexing.cancel"])
def test_a_running_run_is_asked_to_stop(client, right):
    client.force_login(cast.staff("indexing.view", right, username="otto"))
    run = running()
    assert "cancel-button" in html_without_bdi(client.get(PAGE))
    asking = html_without_bdi(client.get(CANCEL, {"run": run.pk}))
    assert f'name="run" value="{run.pk}"' in asking
    answer = client.post(CANCEL, {"run": run.pk}, follow=True)
    assert f"Run {run.pk} is being cancelled." in html_without_bdi(answer)
    assert "Cancelling (requested by otto)…" in html_without_bdi(answer)
    run.refresh_from_db()
    assert run.cancel_requested_name == "otto"


def test_a_queued_run_is_cancelled_at_once(operator):
    run = runs.request("full", cast.command_actor())
    answer = operator.post(CANCEL, {"run": run.pk}, headers=HTMX)
    assert f"Run {run.pk} was cancelled." in html_without_bdi(answer)
    run.refresh_from_db()
    assert run.state == "cancelled"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_run_that_has_ended_is_not_cancelled(operator, headers):
    run = ended("done")
    answer = operator.post(CANCEL, {"run": run.pk}, headers=headers)
    assert answer.status_code == 409
    assert f"Run {run.pk} has ended already: done." in html_without_bdi(answer)


@pytest.mark.parametrize("number", ["77", "", "x", "-1", "9" * 30, "²"])
def test_an_unknown_run_is_404(operator, number):
    assert operator.post(CANCEL, {"run": number}).status_code == 404
