"""Pins: a pinned version is never deleted and does not count among those kept. And what is deleted next, and when."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction

from indexing import audit
from indexing.audit import Actor
from indexing.errors import Refused
from indexing.lib import ownership, paths
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.versions import pinning, sweep
from tests.support import cast
from tests.support.html_reading import html

pytestmark = pytest.mark.django_db

State = IndexVersion.State
CAROL = Actor("carol", RebuildRun.Via.PAGE)
VERSIONS = "/admin/index/versions/"
API = "/api/admin/versions"
DATABASE = "0123456789abcdef0123456789abcdef"


def made(folder: Path) -> None:
    """A folder that this database wrote."""
    IndexState.objects.update(database_id=DATABASE)
    folder.mkdir(parents=True)
    ownership.mark(folder, DATABASE)


def versions(live: int, *, keep: int, settings) -> None:
    """Versions 1 to `live`, the last of them live, each with its folder."""
    settings.TCS_KEEP_VERSIONS = keep
    for number in range(1, live + 1):
        state = State.LIVE if number == live else State.KEPT
        version = IndexVersion.objects.create(number=number, state=state, manifest_sha256="x")
        made(paths.version_folder(number))
        if state == State.LIVE:
            IndexState.objects.filter(pk=1).update(live_version=version)


def swept() -> list[int]:
    """Sweep as a worker does at the end of a run; the numbers whose folders are left."""
    sweep.mark_old_deleted()
    sweep.delete_leftovers()
    return sorted(int(path.name) for path in paths.versions_folder().iterdir())


def publish_another() -> None:
    IndexVersion.objects.filter(state=State.LIVE).update(state=State.KEPT)
    number = IndexVersion.objects.count() + 1
    IndexVersion.objects.create(number=number, state=State.LIVE)
    made(paths.version_folder(number))


class TestRules:
    def test_a_pinned_version_stays_and_does_not_count_among_those_kept(self, settings):
        versions(5, keep=2, settings=settings)
        pinning.pin(1, CAROL, "The last one before the merger.")
        assert swept() == [1, 4, 5]
        publish_another()
        assert swept() == [1, 5, 6]

    def test_the_live_version_can_be_pinned_and_stays_when_it_no_longer_is_live(self, settings):
        versions(2, keep=1, settings=settings)
        pinning.pin(2, CAROL, "Shown at the fair.")
        publish_another()
        assert swept() == [2, 3]

    def test_an_unpinned_version_is_removed_in_its_turn(self, settings):
        versions(4, keep=2, settings=settings)
        pinning.pin(1, CAROL, "For the audit.")
        pinning.unpin(1, CAROL, "The audit is over.")
        assert swept() == [3, 4]
        assert IndexVersion.objects.get(pk=1).pinned_reason == ""

    @pytest.mark.parametrize("state", [State.BUILDING, State.HELD, State.DELETED])
    def test_only_what_is_live_or_kept_can_be_pinned(self, state):
        IndexVersion.objects.create(number=1, state=state)
        with pytest.raises(Refused, match="Only the live version and kept ones"):
            pinning.pin(1, CAROL, "Because.")

    def test_it_is_pinned_once_with_the_first_reason(self, settings):
        versions(2, keep=2, settings=settings)
        pinning.pin(1, CAROL, "For the audit.")
        with pytest.raises(Refused, match="already pinned by carol: For the audit"):
            pinning.pin(1, Actor("dave", RebuildRun.Via.PAGE), "Mine.")
        with pytest.raises(Refused, match="not pinned"):
            pinning.unpin(2, CAROL, "Because.")

    @pytest.mark.parametrize("decide", [pinning.pin, pinning.unpin])
    def test_a_reason_is_required_and_the_version_must_exist(self, decide, settings):
        versions(2, keep=2, settings=settings)
        with pytest.raises(Refused, match="Give a reason"):
            decide(1, CAROL, " \n")
        with pytest.raises(Refused, match="no version 9"):
            decide(9, CAROL, "Because.")

    def test_the_database_itself_refuses_to_remove_what_is_pinned(self, settings):
        versions(2, keep=2, settings=settings)
        pinning.pin(1, CAROL, "For the audit.")
        with pytest.raises(IntegrityError), transaction.atomic():
            IndexVersion.objects.filter(pk=1).update(state=State.DELETED)


class TestOutlook:
    def test_what_is_removed_with_the_next_version_stays_until_then(self, settings):
        versions(4, keep=3, settings=settings)
        pinning.pin(3, CAROL, "For the audit.")
        said = sweep.forecast()
        assert (said.after_next_run, said.with_next_version, said.pinned) == ((), (1,), (3,))
        assert swept() == [1, 2, 3, 4]
        publish_another()
        assert swept() == [2, 3, 4, 5]

    def test_versions_beyond_the_limit_are_removed_after_the_next_run(self, settings):
        versions(5, keep=2, settings=settings)
        said = sweep.forecast()
        assert (said.after_next_run, said.with_next_version) == ((3, 2, 1), (4,))
        assert swept() == [4, 5]

    def test_leftovers_are_named_and_nothing_is_touched_by_looking(self, settings):
        versions(2, keep=2, settings=settings)
        made(paths.versions_folder() / "000009.3.building")
        assert sweep.forecast().leftovers == ("000009.3.building",)
        assert (paths.versions_folder() / "000009.3.building").exists()
        assert swept() == [1, 2]
        assert sweep.forecast().leftovers == ()


class TestPages:
    def test_it_is_pinned_with_a_reason_that_is_shown_and_logged(self, publisher, settings):
        versions(4, keep=2, settings=settings)
        assert "never swept" not in html(publisher.get(f"{VERSIONS}1/"))
        assert "Reason" in html(publisher.get(f"{VERSIONS}pin/?version=1"))
        answer = publisher.post(f"{VERSIONS}pin/", {"version": 1, "reason": "For <b>the</b> audit."}, follow=True)
        assert answer.redirect_chain == [(VERSIONS, 302)]
        page = html(answer)
        assert "Version 1 is pinned and stays." in page
        assert "Version 2 will be deleted after the next run" in page
        assert "Version 3 will be deleted when the next version is published." in page
        assert "For &lt;b&gt;the&lt;/b&gt; audit." in page
        assert "Pinned by <bdi>carol</bdi>" in html(publisher.get(f"{VERSIONS}1/"))
        assert audit.sentence(LogEntry.objects.get(), by=True).startswith(
            "Pinned version 1: For <b>the</b> audit. [carol ("
        )

    def test_it_is_unpinned(self, publisher, settings):
        versions(4, keep=2, settings=settings)
        pinning.pin(1, CAROL, "For the audit.")
        assert "For the audit." in html(publisher.get(f"{VERSIONS}unpin/?version=1"))
        publisher.post(f"{VERSIONS}unpin/", {"version": 1, "reason": "It is over."})
        assert IndexVersion.objects.get(pk=1).pinned_at is None
        assert audit.sentence(LogEntry.objects.get()) == "Unpinned version 1: It is over."

    def test_a_refusal_is_409_and_keeps_what_was_typed(self, publisher, settings):
        versions(2, keep=2, settings=settings)
        answer = publisher.post(f"{VERSIONS}pin/", {"version": 1, "reason": "x" * 2001})
        assert answer.status_code == 409
        assert "at most 2000 characters" in html(answer)
        assert "x" * 2001 in html(answer)

    def test_a_viewer_sees_the_pin_and_no_button(self, client, settings):
        versions(2, keep=2, settings=settings)
        pinning.pin(1, CAROL, "For the audit.")
        client.force_login(cast.staff("indexing.view"))
        for address in (VERSIONS, f"{VERSIONS}1/"):
            page = html(client.get(address))
            assert "carol" in page
            assert "Unpin" not in page


class TestApi:
    def post(self, client, path: str, reason: str):
        return client.post(f"{API}/{path}", {"reason": reason}, content_type="application/json")

    def test_pin_list_and_unpin(self, publisher, settings):
        versions(3, keep=2, settings=settings)
        assert self.post(publisher, "1/pin", "For the audit.").json() == {"version": 1, "pinned": True}
        body = publisher.get(API).json()
        assert body["sweep"] == {
            "keep": 2,
            "after_next_run": [],
            "with_next_version": [2],
            "leftovers": [],
            "foreign": [],
        }
        pinned = body["versions"][-1]["pinned"]
        assert (pinned["by"], pinned["reason"]) == ("carol", "For the audit.")
        assert body["versions"][0]["pinned"] is None
        assert self.post(publisher, "1/unpin", "Over.").json() == {"version": 1, "pinned": False}
        answer = self.post(publisher, "1/unpin", "Over.")
        assert (answer.status_code, answer.json()["detail"]) == (409, "Version 1 is not pinned.")


class TestCommand:
    def test_it_pins_and_unpins(self, settings):
        versions(2, keep=2, settings=settings)
        out = io.StringIO()
        call_command("pin_version", "1", "--reason", "For the audit.", stdout=out)
        assert out.getvalue().strip() == "Version 1 is pinned."
        out = io.StringIO()
        call_command("pin_version", "1", "--unpin", "--reason", "Over.", "--json", stdout=out)
        assert json.loads(out.getvalue()) == {"version": 1, "done": True, "error": None, "live": 2}

    def test_a_refusal_exits_with_1(self, settings):
        versions(2, keep=2, settings=settings)
        with pytest.raises(CommandError, match="not pinned") as refused:
            call_command("pin_version", "1", "--unpin", "--reason", "Over.")
        assert refused.value.returncode == 1
