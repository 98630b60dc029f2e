"""A held version on the pages: published or discarded by whoever may, with a reason."""

from __future__ import annotations

import pytest

from indexing.lib import paths
from indexing.models import IndexVersion, Publication, RebuildRun
from indexing.versions import decisions, free_memory
from tests.support import cast, damage, version_cast
from tests.support.html_reading import html
from tests.support.version_cast import CAROL, live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
VERSIONS = f"{PAGE}versions/"
PUBLISH = f"{VERSIONS}publish/"
DISCARD = f"{VERSIONS}discard/"
ROLLBACK = f"{VERSIONS}rollback/"
RELEASE = f"{PAGE}release/"
HTMX = {"HX-Request": "true"}


def test_publishers_see_the_buttons(publisher):
    version_cast.held()
    page = html(publisher.get(PAGE))
    assert 'id="publish-button"' in page
    assert 'id="discard-button"' in page
    assert "/admin/index/lab/?version=2" in page


def test_others_see_who_may_decide(viewer):
    cast.staff("indexing.publish", username="carol")
    cast.staff("indexing.rebuild", username="otto")
    version_cast.held()
    page = html(viewer.get(PAGE))
    assert 'id="publish-button"' not in page
    assert "Can publish or discard it: <bdi>carol</bdi>" in page
    assert "otto" not in page


@pytest.mark.parametrize("path", [PUBLISH, DISCARD, ROLLBACK, RELEASE])
def test_without_the_publish_permission_nothing_is_decided(viewer, path):
    version_cast.held()
    assert viewer.get(path, {"version": 2}).status_code == 403
    assert viewer.post(path, {"version": 2, "reason": "Because."}).status_code == 403
    assert live() == 1


@pytest.mark.parametrize("path", [PUBLISH, DISCARD])
def test_without_javascript_a_page_asks_for_the_reason(publisher, path):
    version_cast.held()
    page = html(publisher.get(path, {"version": 2}))
    assert '<textarea id="reason" name="reason"' in page
    assert live() == 1


def test_it_is_published_with_a_reason(publisher):
    version_cast.held()
    answer = publisher.post(PUBLISH, {"version": 2, "reason": "They left the firm."}, follow=True)
    assert "Version 2 is live." in html(answer)
    assert live() == 2
    last = Publication.objects.first()
    assert (last.how, last.name, last.reason) == ("approved", "carol", "They left the firm.")
    assert "Needs approval" not in html(answer)


def test_it_is_discarded_with_a_reason(publisher):
    run = version_cast.held()
    answer = publisher.post(DISCARD, {"version": 2, "reason": "A bad import."}, headers=HTMX)
    assert (answer.status_code, live()) == (200, 1)
    assert "Version 2 was discarded." in html(answer)
    run.refresh_from_db()
    assert run.state == RebuildRun.State.DISCARDED
    assert "A bad import." in run.error


@pytest.mark.parametrize("path", [PUBLISH, DISCARD])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_without_a_reason_it_is_409_and_nothing_is_decided(publisher, path, headers):
    version_cast.held()
    answer = publisher.post(path, {"version": 2, "reason": "  "}, headers=headers)
    assert answer.status_code == 409
    assert "Give a reason" in html(answer)
    assert IndexVersion.objects.get(pk=2).state == "held"


def test_a_refusal_keeps_the_reason_that_was_typed(publisher):
    version_cast.held()
    damage.replace(paths.version_folder(2) / "ids.npy", b"garbage")
    answer = publisher.post(PUBLISH, {"version": 2, "reason": "They left <the> firm."})
    assert answer.status_code == 409
    assert "ids.npy" in html(answer)
    assert "They left &lt;the&gt; firm.</textarea>" in html(answer)
    assert live() == 1


@pytest.mark.parametrize(("headers", "status"), [({}, 503), (HTMX, 409)], ids=["page", "htmx"])
def test_too_little_memory_is_503_and_says_so(publisher, monkeypatch, headers, status):
    """To htmx it is 409, or the sentence would not be shown."""
    version_cast.held()
    monkeypatch.setattr(free_memory, "room", lambda: 1_000)
    answer = publisher.post(PUBLISH, {"version": 2, "reason": "They left."}, headers=headers)
    assert (answer.status_code, live()) == (status, 1)
    assert "not enough memory to open version 2" in html(answer)


@pytest.mark.parametrize("path", [PUBLISH, DISCARD])
def test_what_was_decided_already_is_409(publisher, path):
    version_cast.held()
    decisions.discard(2, CAROL, "A bad import.")
    assert "does not need a decision" in html(publisher.get(path, {"version": 2}))
    answer = publisher.post(path, {"version": 2, "reason": "Because."}, headers=HTMX)
    assert answer.status_code == 409
    assert "deleted" in html(answer)


@pytest.mark.parametrize("number", ["", "99", "x", "9" * 30])
def test_an_unknown_version_is_404(publisher, number):
    assert publisher.get(PUBLISH, {"version": number}).status_code == 404
    assert publisher.post(ROLLBACK, {"version": number, "reason": "Because."}).status_code == 404


def test_an_older_held_version_can_only_be_discarded(publisher, settings):
    version_cast.held()
    settings.TCS_GATE_MAX_LOST = 1.0
    cast.rebuild()
    page = html(publisher.get(PAGE))
    assert "Version 3 is newer and live" in page
    assert 'id="publish-button"' not in page
    assert 'id="discard-button"' in page


def test_it_is_shown_whatever_ran_afterwards(publisher):
    version_cast.held()
    cast.rebuild("tags")
    assert "Version 2 was built with 10 experts and is not published" in html(publisher.get(PAGE))


def test_with_approval_always_the_requester_sees_that_somebody_else_must_publish(publisher, settings):
    settings.TCS_APPROVE = "always"
    cast.experts(3)
    run = cast.rebuild()
    RebuildRun.objects.filter(pk=run.pk).update(requested_name="carol")
    for path in (PAGE, f"{VERSIONS}1/", f"{PUBLISH}?version=1"):
        assert "<bdi>carol</bdi> requested this run, so somebody else must publish it." in html(publisher.get(path))
    assert "<textarea" not in html(publisher.get(PUBLISH, {"version": 1}))
    answer = publisher.post(PUBLISH, {"version": 1, "reason": "Mine is fine."}, headers=HTMX)
    assert answer.status_code == 409
    assert "somebody else must publish it" in html(answer)
    assert live() is None


def test_with_approval_always_somebody_else_must_publish(publisher, settings):
    settings.TCS_APPROVE = "always"
    cast.experts(3)
    cast.rebuild()
    assert 'name="reason"' in html(publisher.get(PUBLISH, {"version": 1}))
    publisher.post(PUBLISH, {"version": 1, "reason": "Looked at it."})
    assert live() == 1
