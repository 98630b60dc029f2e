"""The pages say how many of the live version's experts are hidden, and offer to undo the import that hid them."""

from __future__ import annotations

import pytest
from django.test import Client

from experts.importing.apply import apply_plan
from experts.models import Expert, ImportRecord
from indexing.console.live_page import header
from indexing.drift import status as drift_status
from indexing.models import IndexVersion, RebuildRun
from tests.support import cast, version_cast
from tests.support.html_reading import html, html_without_bdi
from tests.support.imports import plan_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
HIDDEN = "8 of 10 experts are hidden"


@pytest.fixture
def importer(client: Client) -> Client:
    client.force_login(cast.staff("indexing.view", "experts.import", "experts.view_expert", username="ida"))
    return client


def half_a_file() -> None:
    """Version 1 is live with ten experts; an import deactivates eight of them."""
    cast.published(10)
    apply_plan(plan_of("Username\nexpert-001\nexpert-002\n", sync=True), file_name="half.csv")


def test_a_mass_deactivation_is_on_the_page_with_the_import_to_undo(importer):
    half_a_file()
    page = html_without_bdi(importer.get(PAGE))
    assert HIDDEN in page
    assert "People search version 1, but do not find these experts" in page
    assert "The import of “half.csv” on" in page
    address = f"/admin/experts/expert/import/{ImportRecord.objects.get().pk}/undo/"
    assert f'id="undo-import" href="{address}"' in page
    importer.post(address)
    drift_status.forget()  # which looks for edits once a second
    assert "are hidden" not in html(importer.get(PAGE))
    assert Expert.objects.active().count() == 10


def test_without_the_permission_to_import_there_is_no_button(viewer):
    half_a_file()
    page = html(viewer.get(PAGE))
    assert HIDDEN in page
    assert "undo-import" not in page


def test_deactivated_by_hand_it_is_said_and_no_import_is_blamed(importer):
    cast.published(10)
    apply_plan(plan_of("Username\nexpert-001\n"), file_name="harmless.csv")
    Expert.objects.filter(username__gt="expert-002").deactivate()
    page = html(importer.get(PAGE))
    assert HIDDEN in page
    assert "The import of" not in page


def test_a_few_raise_no_alarm(importer):
    cast.published(10)
    Expert.objects.filter(username="expert-001").deactivate()
    assert "are hidden" not in html(importer.get(PAGE))


def test_what_people_search_is_said_with_how_many_are_hidden(publisher):
    half_a_file()
    run = cast.rebuild()
    assert run.state == RebuildRun.State.HELD
    sentence = "People are still searching version 1, but 8 of its 10 experts are hidden"
    for path in (PAGE, f"{PAGE}runs/{run.pk}/", f"{PAGE}versions/publish/?version=1"):
        assert sentence in html(publisher.get(path)), path
    assert sentence in header.how_it_ended(run.pk)


def test_what_nobody_hides_is_said_as_before(publisher):
    version_cast.two_versions()
    assert IndexVersion.objects.get(state="live").number == 2
    page = html(publisher.get(f"{PAGE}versions/publish/?version=1"))
    assert "People are still searching version 2." in page
