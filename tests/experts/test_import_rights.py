"""Somebody who may import but not see the list gets pages that they may see."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from experts.models import Expert, ImportRecord
from tests.support import cast

pytestmark = pytest.mark.django_db

PAGE = "/admin/experts/expert/import/"


def imported(client: Client) -> str:
    """Import one expert; returns the page at the end."""
    file = SimpleUploadedFile("people.csv", b"username,first_name\nnew,Nia\n", "text/csv")
    preview = client.post(PAGE, {"file": file}, follow=True)
    answer = client.post(f"{PAGE}apply/", {"digest": preview.context["plan"].digest}, follow=True)
    assert answer.status_code == 200
    assert Expert.objects.filter(username="new").exists()
    return answer.request["PATH_INFO"] + answer.content.decode()


def test_an_importer_without_the_right_to_see_experts_reads_what_was_done(client):
    client.force_login(cast.staff("experts.import"))
    page = imported(client)
    assert page.startswith(PAGE)
    assert "Undo…" in page
    assert 'href="/admin/experts/expert/"' not in page
    undone = client.post(f"{PAGE}{ImportRecord.objects.get().pk}/undo/", follow=True)
    assert (undone.status_code, undone.request["PATH_INFO"]) == (200, PAGE)


def test_an_importer_who_may_see_experts_comes_to_the_list(client):
    client.force_login(cast.staff("experts.import", "experts.view_expert"))
    assert imported(client).startswith("/admin/experts/expert/<")
