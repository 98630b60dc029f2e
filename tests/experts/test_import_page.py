"""The import pages of the admin: upload, preview, import."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.shortcuts import render
from django.test import Client
from django.urls import reverse

from experts.importing import uploads
from experts.importing.shortened import MAX_SHOWN
from experts.models import Expert
from tests.support.cast import staff
from tests.support.html_reading import html
from tests.support.spreadsheets import excel

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/experts/expert/import/"
PREVIEW = "/admin/experts/expert/import/preview/"
APPLY = "/admin/experts/expert/import/apply/"
CHOOSE = "/admin/experts/expert/import/choose/"
REFUSED = "/admin/experts/expert/import/refused/"
TEMPLATE = "/admin/experts/expert/import/template/"
DISCARD = "/admin/experts/expert/import/discard/"


@pytest.fixture
def importer(client: Client) -> Client:
    client.force_login(staff("experts.import", "experts.view_expert"))
    return client


def waiting() -> list[Path]:
    return sorted((Path(settings.DATA_DIR) / "imports").glob("*"))


def post(client: Client, text: str | bytes, *, name: str = "people.csv", **options: str) -> Any:
    data = text.encode() if isinstance(text, str) else text
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, data, "text/csv"), **options}, follow=True)


def shown(page: Any) -> dict[str, int]:
    counts = page.context["counts"]
    return {name: getattr(counts, name) for name in ("new", "changed", "unchanged", "missing", "rejected")}


def confirm(client: Client, page: Any) -> Any:
    """Press Import on a preview, as a browser would."""
    html = page.content.decode()
    digest = html.split('name="digest" value="', 1)[1].split('"', 1)[0]
    return client.post(APPLY, {"digest": digest}, follow=True)


def messages(page: Any) -> str:
    return " ".join(str(message) for message in page.context["messages"])


def test_the_preview_shows_the_changes_and_imports_nothing(importer: Client) -> None:
    Expert.objects.create(username="ann", bio="Sings")
    Expert.objects.create(username="cid")
    page = post(importer, "Username,Bio,Colour\nann,Dances,red\nben,Paints,blue\n")
    assert page.redirect_chain == [(PREVIEW, 302)]
    assert shown(page) == {"new": 1, "changed": 1, "unchanged": 0, "missing": 1, "rejected": 0}
    html = page.content.decode()
    assert "<del>Sings</del>" in html
    assert "<ins>Dances</ins>" in html
    for text in ("Colour", "ben", "cid", "Not in this file (unchanged)"):
        assert text in html
    assert Expert.objects.get(username="ann").bio == "Sings"
    assert Expert.objects.count() == 2


def test_confirming_imports_and_is_logged(importer: Client) -> None:
    Expert.objects.create(username="ann", bio="Sings")
    page = confirm(importer, post(importer, "Username,Bio\nann,Dances\nben,Paints\n"))
    assert page.redirect_chain == [("/admin/experts/expert/", 302)]
    assert "1 new, 1 changed" in messages(page)
    assert set(Expert.objects.values_list("username", "bio")) == {("ann", "Dances"), ("ben", "Paints")}
    assert waiting() == []
    summary = LogEntry.objects.get(object_id=None)
    assert "people.csv" in summary.object_repr
    ann = Expert.objects.get(username="ann")
    assert "bio" in LogEntry.objects.get(object_id=str(ann.pk)).get_change_message()
    assert LogEntry.objects.filter(action_flag=1).count() == 1


def test_the_page_says_what_follows_with_the_way_to_rebuild_for_whoever_may(importer: Client) -> None:
    shown_page = confirm(importer, post(importer, "Username\nann\nben\n")).content.decode()
    assert "The changes to 2 experts become searchable with the next rebuild." in shown_page
    assert 'href="/admin/index/rebuild/">Rebuild index</a>' not in shown_page
    importer.force_login(staff("experts.import", "experts.view_expert", "indexing.rebuild", username="olga"))
    shown_page = confirm(importer, post(importer, "Username\ncid\n")).content.decode()
    assert "The changes to 1 expert become searchable with the next rebuild." in shown_page
    assert 'href="/admin/index/rebuild/">Rebuild index</a>' in shown_page


def test_the_name_of_a_file_is_shown_as_it_is(importer: Client) -> None:
    confirm(importer, post(importer, "Username\nann\n", name="people.csv"))
    page = html(importer.get(reverse("admin:experts_expert_import")))
    assert "people.csv" in page
    text = "ann.csv is a name"
    request = importer.get("/admin/").wsgi_request
    assert text in html(render(request, "admin/base_site.html", {"messages": [text]}))


def test_confirming_twice_imports_once(importer: Client) -> None:
    page = post(importer, "Username\nann\n")
    confirm(importer, page)
    assert "no pending import" in messages(confirm(importer, page))
    assert Expert.objects.count() == 1


def test_if_the_directory_changed_the_preview_is_shown_again(importer: Client) -> None:
    page = post(importer, "Username,Bio\nann,Sings\n")
    Expert.objects.create(username="ann", bio="Whistles")
    again = confirm(importer, page)
    assert again.status_code == 200
    assert "has changed in the meantime" in messages(again)
    assert shown(again)["changed"] == 1
    assert Expert.objects.get().bio == "Whistles"
    confirm(importer, again)
    assert Expert.objects.get().bio == "Sings"


def test_a_confirmation_without_a_digest_imports_nothing(importer: Client) -> None:
    post(importer, "Username\nann\n")
    importer.post(APPLY)
    assert not Expert.objects.exists()


def test_sync_lists_and_deactivates_the_missing(importer: Client) -> None:
    Expert.objects.create(username="cid")
    page = post(importer, "Username\nann\n", sync="on")
    assert "will be deactivated" in page.content.decode()
    assert "would deactivate 1 of 1 active experts" in page.content.decode()
    digest = page.context["plan"].digest
    for typed in ("", "2"):
        answer = importer.post(APPLY, {"digest": digest, "deactivate": typed}, follow=True)
        assert "would deactivate 1 of 1" in messages(answer)
        assert Expert.objects.get().is_active
    importer.post(APPLY, {"digest": digest, "deactivate": "1"})
    assert not Expert.objects.get(username="cid").is_active


def test_who_would_hide_too_many_can_add_and_update_only(importer: Client) -> None:
    Expert.objects.create(username="cid")
    post(importer, "Username\nann\n", sync="on")
    page = importer.post(CHOOSE, {"without_sync": "Add and update only"}, follow=True)
    confirm(importer, page)
    assert Expert.objects.active().count() == 2


def test_rejected_rows_are_listed_and_stop_the_import(importer: Client) -> None:
    page = post(importer, "Username,Hourly Rate\nann,80\nben,much\n")
    html = page.content.decode()
    assert "<td>3</td><td>Hourly Rate</td><td>much</td>" in html
    importer.post(APPLY, {"digest": page.context["plan"].digest})
    assert not Expert.objects.exists()


def test_the_good_rows_are_imported_with_one_button_and_the_others_downloaded_with_the_reason(
    importer: Client,
) -> None:
    page = post(importer, "Username,Hourly Rate,Colour\nann,80,red\nben,much,=1+1\n")
    assert "Import the good rows" in page.content.decode()
    rows = importer.get(REFUSED).content.decode("utf-8-sig").splitlines()
    assert rows[0] == "Username,Hourly Rate,Colour,Reason"
    assert rows[1].startswith("ben,much,'=1+1,\"Hourly Rate: Not a number")
    assert len(rows) == 2
    importer.post(APPLY, {"digest": page.context["plan"].digest, "skip_bad": "on"})
    assert Expert.objects.get().username == "ann"


def test_bad_rows_are_skipped_on_request(importer: Client) -> None:
    page = post(importer, "Username,Hourly Rate\nann,80\nben,much\n", skip_bad="on")
    confirm(importer, page)
    assert Expert.objects.get().username == "ann"


def test_the_contents_of_the_file_are_escaped(importer: Client) -> None:
    Expert.objects.create(username="<b>x</b>", bio="old")
    text = "Username,Bio,<i>c</i>\n<b>x</b>,<script>alert(1)</script>,\n<u>new</u>,,\n<s>bad</s>,\0<q>,\n"
    html = post(importer, text, name="<em>.csv").content.decode()
    for raw in ("<b>x", "<script>alert", "<i>c", "<u>new", "<s>bad", "<q>", "<em>"):
        assert raw not in html
    assert "&lt;script&gt;alert(1)" in html


def test_long_lists_are_shortened_and_say_how_many_more(importer: Client) -> None:
    Expert.objects.bulk_create(Expert(username=f"old{n}") for n in range(MAX_SHOWN + 3))
    text = "Username,Bio\n" + "".join(f"old{n},x\n" for n in range(MAX_SHOWN + 3))
    text += "".join(f"new{n},x\n" for n in range(MAX_SHOWN + 7))
    html = post(importer, text).content.decode()
    assert "and 3 more" in html
    assert "and 7 more" in html
    assert html.count("<ins>") == MAX_SHOWN


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"%PDF-1.7", "PDF"), (b"PK\x03\x04", "damaged"), ("Username\nzoë\n".encode("utf-16")[:-1], "not in UTF-16")],
)
def test_a_file_that_cannot_be_read_is_explained_and_removed(importer: Client, data: bytes, says: str) -> None:
    page = post(importer, data)
    assert page.redirect_chain[-1][0] == UPLOAD
    assert says in messages(page)
    assert waiting() == []


def test_an_empty_file_and_no_file_are_form_errors(importer: Client) -> None:
    assert "The file is empty" in post(importer, b"").content.decode()
    assert "This field is required." in importer.post(UPLOAD, {}).content.decode()


def test_a_file_over_the_limit_is_refused(importer: Client, settings: Any) -> None:
    settings.TCS_IMPORT_MAX_MB = 1
    page = post(importer, b"Username\n" + b"x" * 2**20)
    assert "larger than 1 MB" in page.content.decode()
    assert not page.wsgi_request.FILES, "dropped while it arrived"
    assert waiting() == []


def test_only_its_owner_sees_a_pending_import(importer: Client) -> None:
    post(importer, "Username\nann\n", name="../../evil.csv")
    (path,) = waiting()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "evil" not in path.name
    other = Client()
    other.force_login(staff("experts.import", username="olga"))
    assert "no pending import" in messages(other.get(PREVIEW, follow=True))


def test_discarding_and_a_second_upload_remove_the_file(importer: Client) -> None:
    post(importer, "Username\nann\n")
    (first,) = waiting()
    post(importer, "Username\nben\n")
    (second,) = waiting()
    assert first != second
    importer.post(DISCARD)
    assert waiting() == []


def test_unconfirmed_files_are_removed_after_a_day(importer: Client) -> None:
    post(importer, "Username\nann\n")
    (old,) = waiting()
    os.utime(old, (0, 0))
    other = Client()
    other.force_login(staff("experts.import", username="olga"))
    post(other, "Username\nben\n")
    assert old not in waiting()
    assert "no pending import" in messages(importer.get(PREVIEW, follow=True))


def test_only_what_nobody_will_import_is_deleted_and_counted(importer: Client) -> None:
    post(importer, "Username\nann\n")
    (fresh,) = waiting()
    old, left_over = fresh.with_stem("old"), fresh.with_suffix(".upload")  # of a server that was killed
    for path in (old, left_over):
        path.touch()
    os.utime(old, (0, 0))
    assert uploads.delete_leftovers() == 2
    assert waiting() == [fresh]
    other = Client()
    other.force_login(staff("experts.import", username="olga"))
    post(other, "Username\nben\n")
    assert fresh in waiting()


@pytest.mark.parametrize("address", [UPLOAD, PREVIEW, CHOOSE, REFUSED, TEMPLATE, APPLY, DISCARD])
def test_the_pages_need_the_import_permission(client: Client, address: str) -> None:
    send = client.post if address in (CHOOSE, APPLY, DISCARD) else client.get
    assert send(address).status_code == 302
    client.force_login(staff("experts.view_expert", "experts.change_expert"))
    assert send(address).status_code == 403


def test_applying_and_discarding_need_a_post_and_a_csrf_token(importer: Client) -> None:
    assert importer.get(APPLY).status_code == 405
    assert importer.get(DISCARD).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff("experts.import", username="olga"))
    assert strict.post(APPLY).status_code == 403
    assert strict.post(UPLOAD).status_code == 403


def test_the_list_links_to_the_import_only_with_the_permission(importer: Client) -> None:
    changelist = reverse("admin:experts_expert_changelist")
    assert UPLOAD in importer.get(changelist).content.decode()
    importer.force_login(staff("experts.view_expert", username="olga"))
    assert UPLOAD not in importer.get(changelist).content.decode()


def test_the_pages_have_no_inline_script_or_style(importer: Client) -> None:
    for page in (importer.get(UPLOAD), post(importer, "Username\nann\n")):
        html = page.content.decode()
        assert "<style" not in html
        assert " style=" not in html
        assert " onclick=" not in html


def test_nothing_of_a_discarded_spreadsheet_is_left(importer: Client) -> None:
    post(importer, excel(("A", [["Username"], ["ann"]])), name="people.xlsx")
    assert {path.suffix for path in waiting()} == {".csv", ".rows"}
    importer.post(DISCARD)
    assert waiting() == []


def test_what_follows_counts_new_and_changed_experts(importer: Client) -> None:
    confirm(importer, post(importer, "Username,Bio\nann,x\n"))
    page = confirm(importer, post(importer, "Username,Bio\nann,y\nben,z\n"))
    assert "The changes to 2 experts" in str(list(page.context["messages"])[0])
